"""What an attacker learns by comparing the audit report's page, the regulator's savings and hospitals' discharges.

Belongs here: reading these as their reader would, without the code of the hiding. Does not belong here: the arithmetic
(``knowledge``), and the tables of ``quality/`` among themselves (``laid_side_by_side``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import polars as pl

from hcip_pipeline.release.reading import ReleaseFiles
from tests.html_tables import Page
from tests.knowledge import Knowledge, Name

#: stage of the ledger -> the next one
_STAGES = ("3 costs", "4 exclusions", "5 norms", "6 care partners", "7 performance incentive", "8 waterfall")
_COUNTS = ("cases_in", "cases_kept", "cases_excluded")


def page_and_tables(release: ReleaseFiles) -> Knowledge:
    """The knowledge of a reader who has the page, ``regulator/`` and ``quality/`` of one release."""
    knowledge = Knowledge()
    page = Page((release.folder / "audit" / "audit_report.html").read_text(encoding="utf-8"))
    hospitals = _savings(knowledge, release)
    _discharges(knowledge, release)
    _exclusions(knowledge, release, _table(page, "Reason"), hospitals)
    _ledger(knowledge, release, _table(page, "Stage"), hospitals)
    return knowledge


def _table(page: Page, first: str) -> list[list[str]]:
    return next(rows[1:] for rows in page.tables if rows and rows[0][0] == first)


def _number(text: str) -> int | None:
    return None if text == "hidden" else int(text.replace(",", ""))


def _say(knowledge: Knowledge, name: Name, shown: int | None, true: int) -> None:
    knowledge.truth[name] = true
    if shown is None:
        knowledge.hides(name)
    else:
        assert shown == true, name
        knowledge.shows(name, shown)


def _savings(knowledge: Knowledge, release: ReleaseFiles) -> list[str]:
    """Cases of all and of participating physicians; the difference counts cases too, although no table shows it."""
    shown = release.table("savings", folder="regulator")
    true = {
        (row["hospital_ccn"], row["scope"]): row
        for row in release.table("savings", folder="savings").iter_rows(named=True)
    }
    for row in shown.iter_rows(named=True):
        key = (row["hospital_ccn"], row["scope"])
        hidden = (row["suppressed"] or "").split("|")
        for count in ("cases", "baseline_cases"):
            assert (row[count] is None) == (count in hidden)
            _say(knowledge, (*key, count), row[count], true[key][count])
        if row["cases"] is None:
            for column in ("actual_cost", "best_practice_cost", "potential_savings"):
                assert row[column] is None, "a sum of dollars over a hidden number of cases"
    for ccn, scope in true:
        if scope == "all":
            for count in ("cases", "baseline_cases"):
                _rest(knowledge, (ccn, "all", count), ((ccn, "participating", count),))
    return sorted({ccn for ccn, _ in true})


def _rest(knowledge: Knowledge, whole: Name, parts: Iterable[Name]) -> None:
    parts = [part for part in parts if part in knowledge.least]
    rest: Name = ("the rest of", whole)
    knowledge.equal(whole, (*parts, rest))
    knowledge.truth[rest] = knowledge.truth[whole] - sum(knowledge.truth[part] for part in parts)


def _discharges(knowledge: Knowledge, release: ReleaseFiles) -> None:
    table = release.table("conservation").filter(stage="3 costs", window_name="performance")
    true = dict(table.select("hospital_ccn", "cases_in").iter_rows())
    for row in release.table("hospital_acquired_conditions", folder="quality").iter_rows(named=True):
        if row["code"] == "ALL" and row["hospital_ccn"] in true:
            _say(knowledge, (row["hospital_ccn"], "discharges"), row["discharges"], true[row["hospital_ccn"]])


def _exclusions(knowledge: Knowledge, release: ReleaseFiles, page: list[list[str]], hospitals: list[str]) -> None:
    table = release.table("exclusions").filter(pl.col("window_name") == "performance")
    true = {(row["exclusion_reason"], row["hospital_ccn"]): row["cases"] for row in table.iter_rows(named=True)}
    named = {reason.replace("_", " ").lower(): reason for reason, _ in true}
    for reason in set(named.values()):
        true[reason, "all"] = sum(cases for (of, _), cases in true.items() if of == reason)
    for words, hospital, cases, cost in page:
        key = (named[words], hospital.split()[-1])  # after its name
        _say(knowledge, key, _number(cases), true.pop(key))
        assert (cost == "–") == (cases == "hidden")
    assert not true, "the page shows every exclusion"
    for reason in named.values():
        knowledge.equal((reason, "all"), [(reason, ccn) for ccn in hospitals if (reason, ccn) in knowledge.least])
    for ccn in hospitals:  # a discharge is excluded for one reason, or is a case with a norm
        parts = [(reason, ccn) for reason in named.values() if (reason, ccn) in knowledge.least]
        knowledge.equal((ccn, "discharges"), [*parts, (ccn, "all", "cases")])


def _ledger(knowledge: Knowledge, release: ReleaseFiles, page: list[list[str]], hospitals: list[str]) -> None:
    table = release.table("conservation")
    for stage, *cells in page:
        name, _, every = stage.partition(" (")
        window = "all" if every else "performance"
        true = table.filter(stage=name, window_name=window)
        for count, cell in zip(_COUNTS, cells, strict=False):
            _say(knowledge, (name, window, count), _number(cell), int(true[count].sum()))
        whole, *parts = [(name, window, count) for count in _COUNTS]
        knowledge.equal(whole, parts)
    for before, after in itertools.pairwise(_STAGES):
        if (after, "performance", "cases_in") in knowledge.least:
            knowledge.equal((before, "performance", "cases_kept"), [(after, "performance", "cases_in")])
    sums = (
        ("3 costs", "cases_in", [(ccn, "discharges") for ccn in hospitals]),
        ("5 norms", "cases_kept", [(ccn, "all", "cases") for ccn in hospitals]),
        ("6 care partners", "cases_kept", [(ccn, "participating", "cases") for ccn in hospitals]),
    )
    for stage, count, parts in sums:
        knowledge.equal((stage, "performance", count), [part for part in parts if part in knowledge.least])
    of_reasons = [name for name in knowledge.least if isinstance(name, tuple) and name[-1] == "all" and len(name) == 2]
    left = [name for name in of_reasons if name[0] == "NO_NORM"]  # type: ignore[index]
    knowledge.equal(("5 norms", "performance", "cases_excluded"), left)
    knowledge.equal(
        ("4 exclusions", "performance", "cases_excluded"), [name for name in of_reasons if name not in left]
    )
