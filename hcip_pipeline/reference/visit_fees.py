"""Medicare's fee for a subsequent hospital visit as rows of ``per_diem``.

Belongs here: the shipped fees by year and locality, CMS's RVU and GPCI files, and the visit level for each severity of
illness. Does not belong here: what a per diem does (methodology §8).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.reference import PER_DIEM
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.tables.file_names import shown

_SHIPPED = Path(__file__).parent / "data" / "visit_fees.csv"

#: Severity 1 to 4 -> level of the visit; this is a choice, because no source maps one to the other.
LEVELS = (1, 2, 3, 3)
#: Level of a subsequent hospital visit -> its procedure code.
_CODES = {1: "99231", 2: "99232", 3: "99233"}

#: Columns of the RVU file, named by the last two rows of its header joined; CMS adds other columns from year to year.
_WORK, _FACILITY_PRACTICE, _MALPRACTICE, _CONVERSION_FACTOR = "WORK RVU", "FACILITY PE RVU", "MP RVU", "CONV FACTOR"
_CODE, _MODIFIER = 0, 1
#: The range of a conversion factor, in dollars; a number outside it is from another column.
_LEAST_FACTOR, _MOST_FACTOR = Decimal(10), Decimal(100)


def shipped_localities() -> list[str]:
    """Names of the localities whose fees are shipped."""
    return sorted({row["locality"] for row in _shipped_rows()})


def shipped_per_diems(locality: str, levels: Sequence[int] = LEVELS) -> pl.DataFrame:
    """``per_diem`` of a locality, for every year whose fees are shipped.

    Raises:
        UsageError: no locality, or more than one, has such a name or number.
    """
    named = [name for name in shipped_localities() if locality.lower() in name.lower()]
    if len(named) != 1:
        known = "; ".join(shipped_localities())
        raise UsageError(
            f"{len(named)} localities are called {shown(locality)!r}",
            fix=f"give one of: {known}; or CMS's files with --rvu and --gpci",
        )
    fees = {(int(row["year"]), int(row["visit_level"])): row for row in _shipped_rows() if row["locality"] == named[0]}
    rows = []
    for year in sorted({year for year, _ in fees}):
        for severity, level in enumerate(levels, 1):
            fee = fees[year, level]
            rows.append(
                (year, str(severity), Decimal(fee["amount"]), f"{fee['source']}, {named[0]}", fee["published_on"])
            )
    return _frame(rows)


def read_per_diems(
    rvu: Path, gpci: Path, year: int, locality: str, factor: Decimal | None = None, levels: Sequence[int] = LEVELS
) -> pl.DataFrame:
    """``per_diem`` of one year from CMS's files.

    The fee is (work × GPCI + facility practice expense × GPCI + malpractice × GPCI) × conversion factor, in cents.

    Args:
        rvu: PPRRVU….csv.
        gpci: GPCI….csv.
        locality: its contractor and number, such as 12302-01, or its name.
        factor: conversion factor; by default, the one in the RVU file.

    Raises:
        HcipError: a file lacks a visit, the locality or a number.
    """
    work, practice, malpractice = _indices(gpci, locality)
    units, columns = _units(rvu)
    rows = []
    for severity, level in enumerate(levels, 1):
        cells = units[_CODES[level]]
        per_unit = factor or _factor_of(cells, columns[_CONVERSION_FACTOR], rvu)
        total = (
            _number(cells, columns[_WORK], rvu) * work
            + _number(cells, columns[_FACILITY_PRACTICE], rvu) * practice
            + _number(cells, columns[_MALPRACTICE], rvu) * malpractice
        )
        amount = (total * per_unit).quantize(Decimal("0.01"), ROUND_HALF_UP)
        source = (
            f"CMS fee schedule {shown(rvu.name)}: subsequent hospital visit, level {level}, locality {shown(locality)}"
        )
        rows.append((year, str(severity), amount, source, ""))
    return _frame(rows)


def _frame(rows: Sequence[tuple[int, str, Decimal, str, str]]) -> pl.DataFrame:
    schema = PER_DIEM.schema
    text = pl.DataFrame(rows, schema=list(schema), orient="row")
    published = pl.col("published_on").replace("", None).str.to_date("%Y-%m-%d")
    return text.with_columns(published, pl.col("amount").cast(schema["amount"]))


def _shipped_rows() -> list[dict[str, str]]:
    with _SHIPPED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="cp1252", newline="") as file:
            return [[cell.strip() for cell in row] for row in csv.reader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HcipError("the file cannot be read as CSV", file=path, fix="give CMS's file as published") from error


def _units(path: Path) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Procedure code of each visit -> its row; and the position of each column that is read."""
    rows = _rows(path)
    columns = _columns(rows, path)
    found = {
        row[_CODE]: row
        for row in rows
        if len(row) > max(columns.values()) and row[_CODE] in _CODES.values() and not row[_MODIFIER]
    }
    if lacking := [code for code in _CODES.values() if code not in found]:
        raise HcipError(
            f"the file has no row for {', '.join(lacking)}",
            file=path,
            fix="give PPRRVU….csv of the year",
            rule="PFS-RVU",
        )
    return found, columns


def _columns(rows: Sequence[Sequence[str]], path: Path) -> dict[str, int]:
    """The position of each column that is read, by the two header rows that name it."""
    last = next((at for at, row in enumerate(rows) if row and row[_CODE].upper() == "HCPCS"), 0)
    above, header = (rows[last - 1], rows[last]) if last else ((), ())
    names = [f"{upper} {lower}".strip().upper() for upper, lower in zip(above, header, strict=False)]
    wanted = (_WORK, _FACILITY_PRACTICE, _MALPRACTICE, _CONVERSION_FACTOR)
    if lacking := [name for name in wanted if names.count(name) != 1]:
        raise HcipError(
            f"the header has no column {', '.join(lacking)}, or has it twice",
            file=path,
            fix="give PPRRVU….csv of the year as CMS publishes it, with its header",
            rule="PFS-RVU",
        )
    return {name: names.index(name) for name in wanted}


def _factor_of(cells: Sequence[str], at: int, path: Path) -> Decimal:
    factor = _number(cells, at, path)
    if not _LEAST_FACTOR <= factor <= _MOST_FACTOR:
        raise HcipError(
            f"{factor} dollars per unit is not a conversion factor",
            file=path,
            fix="give the year's factor with --conversion-factor",
            rule="PFS-RVU",
        )
    return factor


def _indices(path: Path, locality: str) -> tuple[Decimal, Decimal, Decimal]:
    """GPCI of work, practice expense and malpractice."""
    rows = _rows(path)
    header = next((row for row in rows if any("locality n" in cell.lower() for cell in row)), None)
    if header is None:
        raise HcipError(
            "the file has no header with localities", file=path, fix="give GPCI….csv of the year", rule="PFS-GPCI"
        )
    names = [cell.lower() for cell in header]
    at = {
        "contractor": _column(names, "mac", "contractor", "carrier"),
        "number": _column(names, "locality number"),
        "name": _column(names, "locality name"),
    }
    # If the work index is given both with and without its floor of 1.0, the one with the floor is in force.
    floor = [at for at, name in enumerate(names) if "pw gpci" in name and "with 1.0" in name]
    indices = [
        floor[0] if floor else _column(names, "pw gpci", "work gpci"),
        _column(names, "pe gpci"),
        _column(names, "mp gpci"),
    ]
    matching = [row for row in rows[rows.index(header) + 1 :] if _is_locality(row, at, locality)]
    if len(matching) != 1:
        raise HcipError(
            f"{len(matching)} localities are called {shown(locality)!r}",
            file=path,
            fix="give its contractor and number, such as 12302-01",
            rule="PFS-LOCALITY",
        )
    work, practice, malpractice = (_number(matching[0], index, path) for index in indices)
    return work, practice, malpractice


def _column(names: Sequence[str], *beginnings: str) -> int:
    found = [at for beginning in beginnings for at, name in enumerate(names) if beginning in name]
    if not found:
        raise HcipError(
            f"the GPCI file has no column {beginnings[0]}", fix="give GPCI….csv as published", rule="PFS-GPCI"
        )
    return found[0]


def _is_locality(row: Sequence[str], at: dict[str, int], locality: str) -> bool:
    if len(row) <= max(at.values()):
        return False
    number = f"{row[at['contractor']]}-{row[at['number']].zfill(2)}"
    return locality == number or locality.lower() == row[at["name"]].rstrip("*").strip().lower()


def _number(cells: Sequence[str], at: int, path: Path) -> Decimal:
    try:
        return Decimal(cells[at])
    except (IndexError, InvalidOperation) as error:
        raise HcipError(
            f"cell {at + 1} of the row of {shown(cells[0])} is not a number",
            file=path,
            fix="give CMS's file as published",
        ) from error
