"""Counts of cases on the audit report's page, small ones hidden: exclusions by hospital, and the ledger's stages.

The regulator's savings and the quality tables are next to the page. There a hospital has its discharges, which here are
its exclusions and its cases with a norm; the stages are sums over hospitals. So what those tables show is known.

Belongs here: which counts of the page hang together, and with which of other tables. Does not belong here: hiding
(``release.suppression``), and the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from hcip_pipeline.policy.loader import read_policy
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.layouts import MANIFEST
from hcip_pipeline.release.quality_counts import ALL, STATE
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.suppression import MARK, CountTable, Sum, suppressed

_SCOPES = ("all", "participating")
#: stage and count of the ledger -> the hospitals' count that it is the sum of
_STAGES = (
    ("3 costs", "cases_in", "discharges"),
    ("5 norms", "cases_kept", "all"),
    ("6 care partners", "cases_kept", "participating"),
)

#: stage of the ledger -> the one that ingests what it keeps, within the performance window
_NEXT = {
    "3 costs": "4 exclusions",
    "4 exclusions": "5 norms",
    "5 norms": "6 care partners",
    "6 care partners": "7 performance incentive",
    "7 performance incentive": "8 waterfall",
}


def shown_cases(draft: Draft) -> dict[str, list[dict[str, Any]]]:
    """Exclusions by reason and hospital, and the ledger's stages: counts of one page, so they are hidden together.

    The pages of the period's earlier releases are next to it; what they showed is found again from their tables.
    """
    before: dict[str, list[pl.DataFrame]] = {"excluded": [], "ledger": []}
    for release in draft.superseded:
        policy = read_policy(release.manifest["policy"]["text"], release.folder / MANIFEST)
        for name, frame in zip(before, _shown(release, policy.small_cell_threshold, before), strict=True):
            before[name].append(frame)
    exclusions, ledger = _shown(draft, draft.policy.policy.small_cell_threshold, before)
    return {"exclusions": exclusions.to_dicts(), "ledger": ledger.to_dicts()}


def _shown(
    of: Draft | ReleaseFiles, threshold: int, before: Mapping[str, Sequence[pl.DataFrame]]
) -> list[pl.DataFrame]:
    exclusions, ledger = _exclusions(of), _ledger(of)
    sums = [
        Sum(
            ledger.cell("cases_kept", stage=stage, window_name="performance"),
            (ledger.cell("cases_in", stage=after, window_name="performance"),),
        )
        for stage, after in _NEXT.items()
        if {stage, after} <= set(ledger.frame.filter(pl.col("window_name") == "performance")["stage"])
    ]
    reasons = exclusions.frame["exclusion_reason"].unique().sort().to_list()
    for stage, of_stage in (
        ("4 exclusions", [reason for reason in reasons if reason != "NO_NORM"]),
        ("5 norms", [reason for reason in reasons if reason == "NO_NORM"]),
    ):
        if stage in ledger.frame["stage"]:
            total = ledger.cell("cases_excluded", stage=stage, window_name="performance")
            parts = [exclusions.cell("cases", exclusion_reason=reason, hospital_ccn="all") for reason in of_stage]
            sums.append(Sum(total, tuple(parts)))
    others = _other_tables(of)
    sums += _sums_with_others(others, exclusions, ledger)
    reported = {**before, others.name: [_as_given_out(of, others)]}
    return suppressed([exclusions, ledger, others], threshold, sums=sums, before=reported)[:2]


def _other_tables(of: Draft | ReleaseFiles) -> CountTable:
    """A hospital's counts as other tables that leave the program have them; each empty where they have none."""
    ccns = of.table("conservation").select(pl.col("hospital_ccn").unique().sort())
    discharges = of.table("conservation").filter(pl.col("stage") == "3 costs", pl.col("window_name") == "performance")
    found = ccns.join(discharges.select("hospital_ccn", pl.col("cases_in").alias("discharges")), "hospital_ccn", "left")
    savings = of.table("savings", folder="savings")
    for scope in _SCOPES:
        cases = savings.filter(pl.col("scope") == scope).select("hospital_ccn", pl.col("cases").alias(scope))
        found = found.join(cases, "hospital_ccn", "left")
    return CountTable(
        "beside", found.sort("hospital_ccn"), ("hospital_ccn",), ("discharges", *_SCOPES), owner="hospital_ccn"
    )


def _as_given_out(of: Draft | ReleaseFiles, others: CountTable) -> pl.DataFrame:
    """The same with what those tables hide marked as hidden."""
    shown: dict[str, dict[str, int | None]] = {"discharges": {}, "all": {}, "participating": {}}
    if of.has("hospital_acquired_conditions", folder="quality"):
        table = of.table("hospital_acquired_conditions", folder="quality")
        own = table.filter(pl.col("code") == ALL, pl.col("hospital_ccn") != STATE)
        shown["discharges"] = dict(own.select("hospital_ccn", "discharges").iter_rows())
    if of.has("savings", folder="regulator"):
        savings = of.table("savings", folder="regulator")
        for scope in _SCOPES:
            shown[scope] = dict(savings.filter(pl.col("scope") == scope).select("hospital_ccn", "cases").iter_rows())
    rows = []
    for row in others.frame.iter_rows(named=True):
        ccn = row["hospital_ccn"]
        hidden = [name for name, of_table in shown.items() if of_table.get(ccn) is None and row[name]]
        rows.append(
            {"hospital_ccn": ccn, **{n: of_table.get(ccn) for n, of_table in shown.items()}, MARK: "|".join(hidden)}
        )
    schema = {"hospital_ccn": pl.String, **dict.fromkeys(shown, pl.Int64), MARK: pl.String}
    return pl.DataFrame(rows, schema=schema)


def _sums_with_others(others: CountTable, exclusions: CountTable, ledger: CountTable) -> Iterator[Sum]:
    """What adds up between the page and those tables: only where it does, as it does for every settled state."""
    own = {row["hospital_ccn"]: row for row in others.frame.iter_rows(named=True)}
    excluded: dict[str, list[dict[str, Any]]] = {}
    for row in exclusions.frame.iter_rows(named=True):
        excluded.setdefault(row["hospital_ccn"], []).append(row)
    for ccn, row in own.items():
        parts = excluded.get(ccn, [])
        if row["discharges"] and row["discharges"] == (row["all"] or 0) + sum(part["cases"] for part in parts):
            cells = [exclusions.cell("cases", **part) for part in parts]
            yield Sum(others.cell("discharges", hospital_ccn=ccn), (*cells, others.cell("all", hospital_ccn=ccn)))
        if row["all"] and row["participating"] is not None:
            part = others.cell("participating", hospital_ccn=ccn)
            yield Sum(others.cell("all", hospital_ccn=ccn), (part,), with_rest=True)
    for stage, count, of_hospitals in _STAGES:
        for row in ledger.frame.filter(pl.col("stage") == stage, pl.col("window_name") == "performance").to_dicts():
            if row[count] == sum(each[of_hospitals] or 0 for each in own.values()):
                parts_of = tuple(others.cell(of_hospitals, hospital_ccn=ccn) for ccn in own)
                yield Sum(ledger.cell(count, stage=stage, window_name="performance"), parts_of)


def _exclusions(of: Draft | ReleaseFiles) -> CountTable:
    """By reason and hospital, of the performance window, with a row that adds up the hospitals."""
    key = ["exclusion_reason", "hospital_ccn"]
    rows = of.table("exclusions").filter(pl.col("window_name") == "performance").select(*key, "cases", "cost")
    totals = rows.group_by("exclusion_reason").agg(
        pl.lit("all").alias("hospital_ccn"), pl.col("cases").sum(), pl.col("cost").sum()
    )
    return CountTable(
        "excluded",
        pl.concat([rows, totals.select(rows.columns)]).sort(key),
        key=("exclusion_reason", "hospital_ccn"),
        counts=("cases",),
        dependents={"cases": ("cost",)},
        totals={"hospital_ccn": "all"},
        owner="hospital_ccn",
    )


def _ledger(of: Draft | ReleaseFiles) -> CountTable:
    """Every stage of the performance window, all hospitals together; balanced or not."""
    sums = ("cases_in", "cases_kept", "cases_excluded", "amount_in", "amount_kept", "amount_excluded")
    by_hospital = of.table("conservation").filter(pl.col("window_name").is_in(["all", "performance"]))
    balances = (pl.col("cases_in") == pl.col("cases_kept") + pl.col("cases_excluded")) & (
        pl.col("amount_in") == pl.col("amount_kept") + pl.col("amount_excluded")
    )
    stages = by_hospital.group_by("stage", "window_name").agg(pl.col(*sums).sum(), balances.all().alias("balances"))
    return CountTable(
        "ledger",
        stages.sort("stage", "window_name"),
        key=("stage", "window_name"),
        counts=("cases_in", "cases_kept", "cases_excluded"),
        parts={"cases_in": ("cases_kept", "cases_excluded")},
    )
