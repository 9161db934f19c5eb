"""Screening a period's care partners against national lists (formats.md §4).

Belongs here: finding the lists, and comparing care partners with them. Does not belong here: reading a list
(``leie``, ``nppes``, ``order_and_referring``), exclusion by NPI (``exclusions``), and the payment (methodology §9).

Lake, ``lake/program/period=<p>/``: the tables of ``contracts.screening`` and ``excluded_in_period``;
``receipts/<list>.json`` for every list in the inbox.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts import screening
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.files.atomic import write_json, write_parquet
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference import leie, nppes, order_and_referring
from hcip_pipeline.reference.exclusions import excluded_in_period, lasting_in_period, state_of
from hcip_pipeline.reference.name_matching import Name, like_names, listed_name, written_names
from hcip_pipeline.reference.tables import file_stamp, load_reference
from hcip_pipeline.reference.wide_lists import ListColumns
from hcip_pipeline.tables.table_shapes import find_table
from hcip_pipeline.tables.tabular import LINE

_Row = dict[str, Any]


@dataclass(frozen=True)
class NationalLists:
    """The lists in the inbox; None for a list that it does not have."""

    leie: leie.ExclusionList | None
    nppes: nppes.Registry | None
    order_and_referring: order_and_referring.OrderAndReferring | None

    def columns(self) -> Iterable[tuple[str, ListColumns, dt.date | None]]:
        """Name, columns and newest date of every list in the inbox."""
        if self.leie:
            yield leie.NAME, self.leie.columns, self.leie.newest
        if self.order_and_referring:
            yield order_and_referring.NAME, self.order_and_referring.columns, None
        if self.nppes:
            yield nppes.NAME, self.nppes.columns, self.nppes.newest


def write_lake_screening(home: Home, period: PerformancePeriod) -> None:
    """Screen the period's care partners, read from the lake, and write the results next to them.

    Raises:
        HcipError: a list or a reference table in the inbox is refused.
    """
    lake = home.lake_program(period)
    tables = load_reference(home.inbox)
    lists, files = read_lists(home.inbox, state_of(tables["hospitals"].get_column("ccn").to_list()))
    excluded = tables["excluded_individuals"]
    if lists.leie:
        excluded = pl.concat([excluded.select(lists.leie.individuals.columns), lists.leie.individuals])
    excluded = excluded_in_period(excluded, period)
    partners = pl.read_parquet(lake / "care_partners.parquet")
    clearances = pl.read_parquet(lake / "screening_clearances.parquet")
    screened, unused = screen(lists, partners, clearances, period)
    write_parquet(excluded, lake / "excluded_in_period.parquet")
    write_parquet(screened, lake / "screening.parquet")
    write_parquet(unused, lake / "unused_clearances.parquet")
    own = lists.nppes.irregular if lists.nppes else pl.DataFrame()
    write_parquet(_frame(own, screening.IRREGULAR_NPIS), lake / "irregular_npis.parquet")
    stated = dict(tables["list_dates"].select("list_name", "list_date").iter_rows())
    reported = _screened_lists(lists, files, stated, partners, screened, excluded)
    write_parquet(reported, lake / "screened_lists.parquet")
    _write_receipts(lists, files, reported, lake / "receipts")


def read_lists(inbox: Path, state: str) -> tuple[NationalLists, dict[str, Path]]:
    """Every national list in ``<inbox>/reference/``, and the file of each.

    Raises:
        TableRefusedError: one of them is refused.
    """
    files = {name: find_table(inbox / "reference", name) for name in screening.LISTS}
    there = {name: path for name, path in files.items() if path.exists() or path.is_symlink()}
    read: Mapping[str, Callable[[Path], Any]] = {
        leie.NAME: lambda path: _leie(path, file_stamp(path), state, inbox),
        nppes.NAME: lambda path: _nppes(path, file_stamp(path), inbox),
        order_and_referring.NAME: lambda path: _order_and_referring(path, file_stamp(path), inbox),
    }
    return NationalLists(**{name: read[name](there[name]) if name in there else None for name in files}), there


# Every half-year of a run reads the same lists.
@functools.lru_cache(maxsize=1)
def _leie(path: Path, stamp: tuple[int, ...], state: str, inbox: Path) -> leie.ExclusionList:
    return leie.read_leie(path, state, inbox)


@functools.lru_cache(maxsize=1)
def _nppes(path: Path, stamp: tuple[int, ...], inbox: Path) -> nppes.Registry:
    return nppes.read_nppes(path, inbox)


@functools.lru_cache(maxsize=1)
def _order_and_referring(path: Path, stamp: tuple[int, ...], inbox: Path) -> order_and_referring.OrderAndReferring:
    return order_and_referring.read_order_and_referring(path, inbox)


def screen(
    lists: NationalLists, partners: pl.DataFrame, clearances: pl.DataFrame, period: PerformancePeriod
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The findings of the lists on care partners, and the clearances that match none of them.

    Args:
        partners: the program table ``care_partners``.
        clearances: the program table ``screening_clearances``.

    Returns:
        The tables ``screening`` and ``unused_clearances``, ordered by key.
    """
    rows: list[_Row] = []
    if lists.leie:
        rows += _by_name(lists.leie.by_name.filter(lasting_in_period(period)), partners)
        rows += _waived(lists.leie.waived.filter(lasting_in_period(period)), partners)
    if lists.nppes:
        rows += _irregular(lists.nppes.irregular, partners, period)
    if lists.order_and_referring:
        rows += _not_ordering(lists.order_and_referring.npis, partners)
    answers, unused = _answers(clearances, rows)
    failed = set(partners.filter(pl.col("screening_status") == "failed").select("hospital_ccn", "npi").iter_rows())
    for row in rows:
        key = row["hospital_ccn"], row["npi"]
        answer = answers.get(key) if row["reason"] == screening.NAME_MATCH else None
        if answer is not None and _answers_record(answer, row):
            row |= {name: answer[name] for name in ("cleared_by", "cleared_on")} | {
                "clearance_reason": answer["reason"]
            }
        row["effect"] = _effect(row, key in failed)
    found = _frame(pl.DataFrame(rows, infer_schema_length=None), screening.SCREENING)
    return found, _frame(pl.DataFrame(unused, infer_schema_length=None), screening.UNUSED_CLEARANCES)


def _effect(row: _Row, has_failed: bool) -> str:
    if row["reason"] in screening.HOLDS:
        return screening.HOLD
    if row["reason"] != screening.NAME_MATCH:
        return screening.NOTED
    return screening.ANSWERED if has_failed or "cleared_by" in row else screening.QUESTION


def _by_name(listed: pl.DataFrame, partners: pl.DataFrame) -> list[_Row]:
    """Records without an NPI whose name is similar to a care partner's."""
    records = listed.to_dicts()
    names: list[Name] = []
    of_record: list[int] = []
    for at, record in enumerate(records):
        for name in _names_of(record):
            names.append(name)
            of_record.append(at)
    people = partners.select("hospital_ccn", "npi", "name").to_dicts()
    written: dict[Name, list[int]] = {}
    for at, person in enumerate(people):
        for name in written_names(person["name"]):
            written.setdefault(name, []).append(at)
    own = list(written)
    best: dict[tuple[int, int], float] = {}
    for one, other, similarity in like_names(own, names):
        for at in written[own[one]]:
            pair = at, of_record[other]
            best[pair] = max(similarity, best.get(pair, 0.0))
    return [
        _row(people[at], screening.NAME_MATCH, leie.SOURCE, records[of][LINE], records[of]["effective_date"])
        | _facts(records[of])
        | {"similarity": round(similarity / 100, 8)}
        for (at, of), similarity in best.items()
    ]


def _names_of(record: _Row) -> Iterable[Name]:
    if record["lastname"] or record["firstname"]:
        yield listed_name(record["lastname"], record["firstname"], record["midname"])
    if record["busname"]:
        yield from written_names(record["busname"])


def _waived(waived: pl.DataFrame, partners: pl.DataFrame) -> list[_Row]:
    joined = partners.select("hospital_ccn", "npi").join(waived.filter(pl.col("npi").is_not_null()), on="npi")
    return [
        _row(record, screening.WAIVED, leie.SOURCE, record[LINE], record["effective_date"]) | _facts(record)
        for record in joined.to_dicts()
    ]


def _irregular(irregular: pl.DataFrame, partners: pl.DataFrame, period: PerformancePeriod) -> list[_Row]:
    """Care partners whose NPI is an organization's, or was deactivated by the day the period is due."""
    rows = []
    for record in partners.select("hospital_ccn", "npi").join(irregular, on="npi").to_dicts():
        off, on = record["deactivated_on"], record["reactivated_on"]
        if record["is_organization"]:
            rows.append(_row(record, screening.NOT_AN_INDIVIDUAL, nppes.SOURCE, record[LINE], None))
        if off and off <= period.run_date and not (on and on >= off):
            rows.append(_row(record, screening.DEACTIVATED, nppes.SOURCE, record[LINE], off))
    return rows


def _not_ordering(npis: pl.Series, partners: pl.DataFrame) -> list[_Row]:
    absent = partners.select("hospital_ccn", "npi").join(npis.to_frame(), on="npi", how="anti")
    return [_row(person, screening.NOT_ORDERING, order_and_referring.SOURCE, 0, None) for person in absent.to_dicts()]


def _row(person: _Row, reason: str, source: str, line: int, since: dt.date | None) -> _Row:
    key = {"hospital_ccn": person["hospital_ccn"], "npi": person["npi"], "reason": reason, "source": source}
    return key | {"list_row": line, "listed_on": since}


def _facts(record: _Row) -> _Row:
    """The list's data about a person, by which they can be recognized."""
    person = " ".join(filter(None, (record["firstname"], record["midname"], record["lastname"])))
    born = (record["dob"] or "").strip()[:4]
    return {
        "listed_name": person or record["busname"],
        "listed_specialty": record["specialty"] or record["general"],
        "listed_city": ", ".join(filter(None, (record["city"], record["state"]))) or None,
        "listed_birth_year": int(born) if born.isascii() and born.isdigit() and int(born) > 0 else None,
    }


def _answers(clearances: pl.DataFrame, rows: list[_Row]) -> tuple[dict[tuple[str, str], _Row], list[_Row]]:
    """Hospital and NPI -> the clearance that answers its questions; and the clearances that answer none."""
    asked: dict[tuple[str, str], list[_Row]] = {}
    for row in rows:
        if row["reason"] == screening.NAME_MATCH:
            asked.setdefault((row["hospital_ccn"], row["npi"]), []).append(row)
    answers: dict[tuple[str, str], _Row] = {}
    unused = []
    for clearance in clearances.sort("cleared_on", "source").to_dicts():
        key = clearance["hospital_ccn"], clearance["npi"]
        if clearance["source"].upper() not in screening.CLEARED_SOURCES:
            unused.append(clearance | {"why_unused": "the list is not compared by name; an exclusion by NPI applies"})
        elif key not in asked:
            unused.append(clearance | {"why_unused": "no record of the list has a name like this care partner's"})
        elif not any(_answers_record(clearance, row) for row in asked[key]):
            unused.append(clearance | {"why_unused": "it is older than the exclusion that it should answer"})
        else:
            answers[key] = clearance
    return answers, unused


def _answers_record(clearance: _Row, row: _Row) -> bool:
    """Whether the clearance is no older than the record; it cannot clear a record that was not listed yet."""
    return bool(clearance["cleared_on"] >= row["listed_on"])


def _screened_lists(
    lists: NationalLists,
    files: Mapping[str, Path],
    stated: Mapping[str, dt.date],
    partners: pl.DataFrame,
    screened: pl.DataFrame,
    excluded: pl.DataFrame,
) -> pl.DataFrame:
    sources = {leie.NAME: leie.SOURCE, nppes.NAME: nppes.SOURCE, order_and_referring.NAME: order_and_referring.SOURCE}
    npis = set(partners.get_column("npi"))
    rows = []
    for name, columns, newest in lists.columns():
        found = set(screened.filter(pl.col("source") == sources[name]).get_column("npi"))
        if name == leie.NAME:
            by_npi = excluded.filter(pl.col("source").str.split("|").list.contains(leie.SOURCE))
            found |= npis & set(by_npi.get_column("npi"))
        if name == order_and_referring.NAME:
            found = npis - found
        date = stated.get(name, newest)
        rows.append(
            {
                "list_name": name,
                "file": f"reference/{files[name].name}",
                "list_date": date,
                "date_from": None if date is None else "stated" if name in stated else "file",
                "list_rows": columns.rows,
                "care_partners": len(npis),
                "found": len(found),
                "waived": lists.leie.waived.height if lists.leie and name == leie.NAME else 0,
                "without_npi": lists.leie.by_name.height if lists.leie and name == leie.NAME else 0,
                "repeated": lists.leie.repeated if lists.leie and name == leie.NAME else 0,
            }
        )
    return _frame(pl.DataFrame(rows, infer_schema_length=None), screening.SCREENED_LISTS)


def _write_receipts(lists: NationalLists, files: Mapping[str, Path], screened: pl.DataFrame, folder: Path) -> None:
    facts = {row["list_name"]: row for row in screened.iter_rows(named=True)}
    for name in screening.LISTS:
        if name not in facts:
            (folder / f"{name}.json").unlink(missing_ok=True)
    for name, columns, newest in lists.columns():
        row = facts[name]
        figures = {key: row[key] for key in ("care_partners", "found", "waived", "without_npi", "repeated")}
        if lists.leie and name == leie.NAME:
            figures |= {"with_npi": lists.leie.individuals.height, "without_name": lists.leie.nameless}
        receipt = {
            "list": name, "folder": "reference", "file": files[name].name, "bytes": columns.bytes,
            "sha256": columns.sha256, "rows": columns.rows, "list_date": str(row["list_date"] or ""),
            "date_from": row["date_from"], "newest_day": str(newest or ""), **figures,
        }  # fmt: skip
        write_json(receipt, folder / f"{name}.json")


def _frame(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows in the columns of a table, ordered by key; a column that they lack is empty."""
    schema = table.schema
    if rows.is_empty():
        return pl.DataFrame(schema=schema)
    given = [pl.col(n).cast(t) if n in rows.columns else pl.lit(None, dtype=t).alias(n) for n, t in schema.items()]
    return rows.select(given).sort(table.key)
