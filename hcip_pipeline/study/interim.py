"""The interim report: a quarter compared with the norms, for committees that meet between two releases.

Nothing in it is payable, and nothing is released. The report can be made again whenever new data arrive.

Belongs here: the build of a quarter, and its tables. Does not belong here: the pages (``reports.interim``), and the
settlement of a half-year (``settlement.period``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from hcip_pipeline.contracts import program
from hcip_pipeline.contracts.marts import TABLES
from hcip_pipeline.contracts.reference import RATES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.messages import Progress
from hcip_pipeline.periods import PerformancePeriod, Quarter, Window
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.reference.invented import is_synthetic
from hcip_pipeline.release.synthetic_mark import marked_document
from hcip_pipeline.release.tables import write_table
from hcip_pipeline.reports.interim import InterimTables, interim_index, interim_page
from hcip_pipeline.settlement.period import base_year_norms, lake_sources
from hcip_pipeline.study.replaced_folder import replaced_folder
from hcip_pipeline.warehouse.build import build
from hcip_pipeline.warehouse.spec import BuildSpec, Source

#: tables of the report; each row belongs to one hospital
LEVELS = ("opportunity", "cost_centers", "physicians", "physician_comparison", "measure_quarters")
#: dbt selection: these models with everything they depend on; no payments
MODELS = " ".join(f"+{name}" for name in LEVELS)
#: shown on every page of the report
NOT_PAYABLE = "Interim figures: nothing here is payable, and the half-year's release may differ."


@dataclass(frozen=True)
class Interim:
    """A quarter's reports: their folder and hospitals.

    Attributes:
        statements: remarks that a reader needs to interpret the figures.
    """

    quarter: Quarter
    folder: Path
    hospitals: tuple[str, ...]
    statements: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "quarter": str(self.quarter),
            "payable": False,
            "folder": str(self.folder),
            "index": str(self.folder / "index.html"),
            "hospitals": list(self.hospitals),
            "statements": list(self.statements),
        }


def interim(home: Home, quarter: Quarter, *, threads: int | None = None, progress: Progress | None = None) -> Interim:
    """Compute a quarter from the lake and write its pages and tables to ``<home>/interim/<quarter>/``.

    Hospitals are compared with the same quarter a year earlier; norms are those of the policy's base year. The folder
    of an earlier run is replaced as a whole.

    Raises:
        HcipError: the lake has no accepted submission for the quarter or the base year, a rate is missing, a check did
            not pass, or the folder cannot be written.
    """
    report = progress or (lambda _: None)
    policy = load_policy(home.policy).policy
    windows = _windows(quarter)
    statements = [NOT_PAYABLE, *_received(home, windows)]
    if "COST_OUTLIER" in policy.exclusions:
        statements.append(
            "cost outliers are determined among the quarter's cases, so quarters do not add up to a half-year"
        )
    listed, of_half = _care_partners(home, quarter)
    if of_half is None:
        statements.append("no list of care partners has been ingested yet, so no physician is named")
    elif of_half != _half_of(quarter):
        statements.append(
            f"care partners are those of {of_half}: the list of {_half_of(quarter)} has not been ingested yet"
        )
    norms = base_year_norms(home, policy, threads=threads, progress=progress)
    spec = BuildSpec(
        name=str(quarter),
        kind="period",
        windows=windows,
        policy=policy,
        elections=_no_elections(home),
        sources={**lake_sources(home, list(windows)), "care_partners": listed, **norms.sources()},
    )
    built = build(spec, home.warehouse / "interim" / str(quarter), threads=threads, select=MODELS, progress=progress)
    report("writing the pages")
    tables = _tables(built.file, home)
    folder = home.interim / str(quarter)
    hospitals = _write(folder, quarter, policy, tables, tuple(statements), is_synthetic(_rates(spec)))
    return Interim(quarter, folder, hospitals, tuple(statements))


def _windows(quarter: Quarter) -> tuple[Window, Window]:
    before = quarter.year_before()
    return Window(quarter.start, quarter.end, "performance"), Window(before.start, before.end, "baseline")


def _half_of(quarter: Quarter) -> PerformancePeriod:
    return PerformancePeriod(quarter.year, 1 if quarter.number <= 2 else 2)


def _received(home: Home, windows: tuple[Window, Window]) -> list[str]:
    """Statements about hospitals whose data are missing. Raises HcipError if there are no data for the quarter."""
    have = [{receipt.ccn for receipt in receipts(home, w.quarters[0]) if receipt.in_force} for w in windows]
    now, before = have
    quarter, year_before = (window.quarters[0] for window in windows)
    if not now:
        raise HcipError(
            f"the lake has no hospital data for {quarter}",
            file=home.inbox / "hospital" / str(quarter),
            rule="QUARTER-MISSING",
            fix=f"put the submissions for {quarter} into inbox/hospital and run `hcip ingest {quarter}`",
        )
    notes = []
    if lacking := sorted(before - now):
        notes.append(f"no accepted data for {quarter} from {', '.join(lacking)}: the statewide means exclude them")
    if new := sorted(now - before):
        notes.append(f"no data for {year_before} from {', '.join(new)}: not compared with a year earlier")
    return notes


def _care_partners(home: Home, quarter: Quarter) -> tuple[Source, PerformancePeriod | None]:
    """The newest list accepted for the quarter's half-year or an earlier one, and its half-year."""
    folders = sorted((home.lake / "program").glob("period=*H[12]"), reverse=True)
    for folder in folders:
        period = PerformancePeriod.parse(folder.name.removeprefix("period="))
        file = folder / f"{program.CARE_PARTNERS.name}.parquet"
        if period <= _half_of(quarter) and file.is_file():
            return [file], period
    schema = program.CARE_PARTNERS.schema
    return pl.DataFrame(schema=schema), None


def _no_elections(home: Home) -> dict[str, Elections]:
    hospitals = pl.read_parquet(home.lake_reference / "hospitals.parquet")
    return {ccn: Elections() for ccn in hospitals["ccn"]}


def _rates(spec: BuildSpec) -> list[pl.DataFrame]:
    sources = [spec.sources.get(name) or () for name in RATES]
    return [pl.read_parquet(path) for source in sources if not isinstance(source, pl.DataFrame) for path in source]


def _tables(file: Path, home: Home) -> InterimTables:
    with duckdb.connect(file, read_only=True) as connection:
        frames = {}
        for name in LEVELS:
            columns = ", ".join(f'"{column}"' for column in TABLES[name].names)
            order = ", ".join(f'"{column}"' for column in TABLES[name].key)
            frames[name] = connection.sql(f"select {columns} from marts.{name} order by {order}").pl()
    names = pl.read_parquet(home.lake_reference / "hospitals.parquet")
    return InterimTables(frames, dict(names.select("ccn", "name").iter_rows()))


def _write(
    folder: Path,
    quarter: Quarter,
    policy: Policy,
    tables: InterimTables,
    statements: tuple[str, ...],
    invented: bool,
) -> tuple[str, ...]:
    """Write pages and tables into a temporary folder and rename it; returns the hospitals."""

    def page(path: Path, content: bytes) -> None:
        path.write_bytes(marked_document(content, "text/html") if invented else content)

    with replaced_folder(folder, "the interim report", "run the command again") as work:
        for ccn in tables.hospitals:
            (work / ccn).mkdir()
            page(work / ccn / "interim.html", interim_page(tables, ccn, quarter, policy, statements))
            for name in LEVELS:
                own = tables.frames[name].filter(pl.col("hospital_ccn") == ccn)
                write_table(own, TABLES[name], work / ccn, f"{name}_{ccn}_{quarter}", is_synthetic=invented)
        page(work / "index.html", interim_index(tables, quarter, policy, statements))
    return tables.hospitals
