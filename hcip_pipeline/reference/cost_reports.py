"""CMS's hospital cost reports (form 2552-10) as rows of ``cost_factors``.

Belongs here: reading the published RPT and NMRC files, and the worksheet cell of each factor. Does not belong here:
what a factor does (methodology §2).

Worksheet C part I gives costs (column 5) and charges (columns 6 inpatient, 7 outpatient, 8 both) by cost center; their
ratio is ``cost_to_charge``. Worksheet E part A gives Medicare's teaching adjustment as a payment (line 29 over the
payments of lines 1 to 1.04) and the disproportionate share percentage (line 33). A missing cell counts as 0, which is
neutral. The labor market is not in these files and is set to 1.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import polars as pl

from hcip_pipeline.contracts.reference import COST_FACTORS
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.files.received import ARCHIVE_DAMAGE, SPARCS
from hcip_pipeline.tables.file_names import shown

_LINES = Path(__file__).parent / "data" / "cost_report_lines.csv"
_KINDS = ("RPT", "NMRC")
_ENDINGS = (".csv", ".csv.gz", ".zip")

#: One row per hospital, rate year and rate center. If a year has several reports, the one that ends last counts, and
#: of those the one filed last. Division is by whole cents and rounded once, half up.
_FACTORS = """
with reports as (
    select
        column00 as report, lpad(trim(column02), 6, '0') as ccn,
        try_strptime(trim(column06), ['%m/%d/%Y', '%Y-%m-%d']) as ends
    from rpt
),
newest as (
    select report, ccn, cast(year(ends) + (month(ends) >= 7)::int as bigint) as rate_year
    from reports
    where ends is not null
    qualify row_number() over (partition by ccn, rate_year order by ends desc, try_cast(report as bigint) desc) = 1
),
cells as (
    select
        newest.ccn, newest.rate_year, nmrc.column1 as worksheet,
        cast(substr(lpad(nmrc.column2, 5, '0'), 1, 3) as integer) as line,
        cast(substr(lpad(nmrc.column2, 5, '0'), 4, 2) as integer) as subline,
        cast(substr(lpad(nmrc.column3, 5, '0'), 1, 3) as integer) as item,
        try_cast(nmrc.column4 as decimal(18, 6)) as amount
    from nmrc join newest on nmrc.column0 = newest.report
    where nmrc.column1 in ('C000001', 'E00A18A')
),
centers as (
    select ccn, rate_year, coalesce(lines.rate_center, 'ALL') as rate_center,
        sum(amount) filter (where item = 5) as cost,
        coalesce(sum(amount) filter (where item in (6, 7)), sum(amount) filter (where item = 8)) as charges
    from cells left join lines on lines.line = cells.line
    where worksheet = 'C000001' and (lines.line is not null or (cells.line = 202 and subline = 0))
    group by all
),
medicare as (
    select ccn, rate_year,
        sum(amount) filter (where line = 29 and subline = 0) as teaching,
        sum(amount) filter (where line = 1) as drg_payments,
        max(amount) filter (where line = 33 and subline = 0) as dsh
    from cells where worksheet = 'E00A18A' and item = 1
    group by all
)
select ccn, rate_year, rate_center, cost, charges, teaching, drg_payments, dsh
from centers left join medicare using (ccn, rate_year)
order by ccn, rate_year, rate_center
"""


@dataclass(frozen=True)
class CostReportFactors:
    """Rows of ``cost_factors``, and the rows that were left out, with the reason."""

    frame: pl.DataFrame
    left_out: tuple[str, ...]


def read_cost_reports(files: Sequence[Path], hospitals: Sequence[str] = ()) -> CostReportFactors:
    """``cost_factors`` from RPT and NMRC files, or zip archives with them.

    Args:
        hospitals: CMS certification numbers to keep; empty for all.

    Raises:
        UsageError: RPT or NMRC files are missing, or a file is neither.
        HcipError: a file cannot be read, or they have no hospital's report.
    """
    with tempfile.TemporaryDirectory() as place, duckdb.connect() as connection:
        found = _by_kind(files, Path(place))
        try:
            for kind in _KINDS:
                names = [str(path) for path in found[kind]]
                connection.read_csv(names, header=False, all_varchar=True, ignore_errors=False).to_view(kind.lower())  # type: ignore[arg-type]
            connection.read_csv(str(_LINES), header=True).to_view("lines")
            cells = connection.sql(_FACTORS).pl()
        except duckdb.Error as error:
            raise HcipError(
                f"the cost reports cannot be read: {str(error).splitlines()[0][:200]}",
                fix="give the RPT and NMRC files of form 2552-10 as CMS publishes them",
                rule="HCRIS-UNREADABLE",
            ) from error
    if hospitals:
        cells = cells.filter(pl.col("ccn").is_in(list(hospitals)))
    if cells.is_empty():
        raise HcipError(
            "these files contain no hospital costs",
            fix="give the RPT and NMRC files of one year together",
            rule="HCRIS-EMPTY",
        )
    return _factors(cells)


def _by_kind(files: Sequence[Path], place: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {kind: [] for kind in _KINDS}
    for file in files:
        if not file.is_file():
            raise HcipError("there is no such file", file=file, fix="check its name")
        unpacked = _unpack(file, place) if file.name.lower().endswith(".zip") else [file]
        for path in unpacked:
            kind = next((kind for kind in _KINDS if kind in path.name.upper()), None)
            if kind is None or not path.name.lower().endswith(_ENDINGS):
                raise UsageError(
                    f"{shown(path.name)} is not an RPT or NMRC file",
                    fix="give HOSP10_<year>_RPT.CSV and HOSP10_<year>_NMRC.CSV",
                )
            found[kind].append(path)
    if lacking := [kind for kind, paths in found.items() if not paths]:
        raise UsageError(
            f"there is no {' and no '.join(lacking)} file", fix="give the RPT and the NMRC file of each year"
        )
    return found


def _unpack(file: Path, place: Path) -> list[Path]:
    """Unpack the RPT and NMRC files of an archive, but not the others (ALPHA, notes)."""
    paths = []
    room = SPARCS.max_unpacked(file.stat().st_size)
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                name = Path(entry.filename).name
                if any(kind in name.upper() for kind in _KINDS) and name.lower().endswith(".csv"):
                    target = place / f"{len(list(place.iterdir()))}-{name}"
                    with archive.open(entry) as source, target.open("wb") as out:
                        while block := source.read(1 << 20):
                            room -= len(block)
                            if room < 0:
                                raise HcipError(
                                    "the archive unpacks to more than years of cost reports",
                                    file=file,
                                    fix="download it again",
                                )
                            out.write(block)
                    paths.append(target)
    except ARCHIVE_DAMAGE as error:
        raise HcipError("the archive cannot be unpacked", file=file, fix="download it again") from error
    return paths


def _factors(cells: pl.DataFrame) -> CostReportFactors:
    schema = COST_FACTORS.schema
    least, most = map(Decimal, COST_FACTORS["cost_to_charge"].bounds or ("0", "0"))
    rows, left_out = [], []
    for cell in cells.iter_rows(named=True):
        ratio = _ratio(cell["cost"], cell["charges"])
        if ratio is None or not least <= ratio <= most:
            where = f"{cell['ccn']} {cell['rate_center']} {cell['rate_year']}"
            left_out.append(f"{where}: no cost and charges whose ratio is between {least} and {most}")
            continue
        rows.append(
            {
                "hospital_ccn": cell["ccn"],
                "rate_center": cell["rate_center"],
                "rate_year": cell["rate_year"],
                "cost_to_charge": ratio,
                "labor_market": Decimal(1),
                "ime": _ratio(cell["teaching"], cell["drg_payments"]) or Decimal(0),
                "dsh": cell["dsh"] or Decimal(0),
                "source": "CMS hospital cost report 2552-10, worksheets C part I and E part A",
            }
        )
    return CostReportFactors(pl.DataFrame(rows, schema=schema), tuple(left_out))


def _ratio(numerator: Decimal | None, denominator: Decimal | None) -> Decimal | None:
    """The quotient to eight places, half up; None if either number is missing or not above zero."""
    if not numerator or not denominator or numerator < 0 or denominator < 0:
        return None
    return (numerator / denominator).quantize(Decimal("1e-8"), ROUND_HALF_UP)
