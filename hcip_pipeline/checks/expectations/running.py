"""Running suites on the data of a home: a quarter's accepted submissions, or a half-year's newest release.

Belongs here: which files are checked, and where the page goes. Does not belong here: what is expected (``suites``).

Pages are in ``warehouse/expectations/``: they are derived from the lake and releases and can be deleted at any time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline.checks.expectations import suites
from hcip_pipeline.checks.expectations.page import expectations_page
from hcip_pipeline.checks.expectations.validation import SuiteResult, validate
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_bytes
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import files_in_force, receipts
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.invented import is_synthetic
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.release.synthetic_mark import COLUMN, marked_document


@dataclass(frozen=True)
class Validated:
    """Suites that files were checked against, and their page."""

    what: str
    results: tuple[SuiteResult, ...]
    page: Path

    @property
    def met(self) -> bool:
        """Whether every expectation is met."""
        return all(result.met for result in self.results)

    def lines(self) -> list[str]:
        """For a terminal: counts by table, and the expectations that were not met."""
        lines = []
        for result in self.results:
            rows = "no file" if result.rows is None else f"{result.rows:,} rows"
            met = len(result.outcomes) - len(result.failed)
            lines.append(f"{result.suite.title}: {rows}, {met} of {len(result.outcomes)} expectations met")
            for outcome in result.failed if result.rows is not None else ():
                exceptions = f" ({outcome.unexpected:,} rows do not meet it)" if outcome.unexpected else ""
                lines.append(f"  not met: {outcome.statement}{exceptions}")
        return [*lines, f"page: {self.page}"]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        tables = [
            {
                "table": result.suite.table,
                "rows": result.rows,
                "met": result.met,
                "expectations": [asdict(outcome) for outcome in result.outcomes],
            }
            for result in self.results
        ]
        return {"what": self.what, "met": self.met, "page": str(self.page), "tables": tables}


def validate_quarter(home: Home, quarter: Quarter) -> Validated:
    """Check a quarter's submissions in force. At least as many hospitals are expected as a year earlier."""
    year_earlier = [receipt for receipt in receipts(home, quarter.year_before()) if receipt.in_force]
    expected = suites.of_submissions(quarter, max(1, len(year_earlier)))
    files = {
        "discharges": files_in_force(home, "discharges", quarter),
        "charges": files_in_force(home, "charges", quarter),
    }
    invented = is_synthetic(load_reference(home.inbox).values())
    found = validate(expected, files)
    return _write_page(home, f"{quarter}", f"Submissions of {quarter}", "Accepted rows.", found, invented=invented)


def validate_release(home: Home, period: PerformancePeriod, policy: Policy) -> Validated:
    """Check the newest release of a half-year.

    Raises:
        HcipError: there is none.
    """
    folders = releases_of(home, period)
    if not folders:
        raise HcipError(f"{period} has no release", file=home.releases, fix=f"run `hcip run {period}` first")
    release = ReleaseFiles.at(folders[-1])
    invented = bool(release.manifest.get("synthetic"))
    more_columns = (COLUMN.name,) if invented else ()
    expected = suites.of_release(period, policy.small_cell_threshold, more_columns)
    files = {suite.table: release.paths(suite.table) for suite in expected}
    subtitle = f"Files of release r{release.number}."
    title = f"Release {period} r{release.number}"
    return _write_page(home, release.name, title, subtitle, validate(expected, files), invented=invented)


def _write_page(
    home: Home, what: str, title: str, subtitle: str, results: tuple[SuiteResult, ...], *, invented: bool
) -> Validated:
    page = home.warehouse / "expectations" / f"{what}.html"
    content = expectations_page(title, subtitle, results).encode()
    write_bytes(marked_document(content, "text/html") if invented else content, page)
    return Validated(what, results, page)
