"""Counts of cases on the audit report's page, with small ones hidden: exclusions by hospital, and the ledger's stages.

A reader of the page may also have the regulator's savings and the quality tables. These show each hospital's
discharges, which on the page are its exclusions plus its cases with a norm, and the ledger's stages are sums over
hospitals. Hiding therefore takes the figures in those tables as known.

Belongs here: how counts of the page are related to each other and to counts in other tables. Does not belong here:
hiding (``release.suppression``), and the page.
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
#: stage and count of the ledger, and the count by hospital that it sums
_STAGES = (
    ("3 costs", "cases_in", "discharges"),
    ("5 norms", "cases_kept", "all"),
    ("6 care partners", "cases_kept", "participating"),
)

#: stage of the ledger -> the stage that receives its kept cases, within the performance window
_NEXT = {
    "3 costs": "4 exclusions",
    "4 exclusions": "5 norms",
    "5 norms": "6 care partners",
    "6 care partners": "7 performance incentive",
    "7 performance incentive": "8 waterfall",
}


def shown_cases(draft: Draft) -> dict[str, list[dict[str, Any]]]:
    """Exclusions by reason and hospital, and the ledger's stages: counts of one page, so they are hidden together.

    Readers may also have the pages of the period's earlier releases; the figures shown there are recomputed from the
    tables of those releases.
    """
    earlier_pages: dict[str, list[pl.DataFrame]] = {"excluded": [], "ledger": []}
    for release in draft.superseded:
        policy = read_policy(release.manifest["policy"]["text"], release.folder / MANIFEST)
        shown = _shown(release, policy.small_cell_threshold, earlier_pages)
        for name, frame in zip(earlier_pages, shown, strict=True):
            earlier_pages[name].append(frame)
    exclusions, ledger = _shown(draft, draft.policy.policy.small_cell_threshold, earlier_pages)
    return {"exclusions": exclusions.to_dicts(), "ledger": ledger.to_dicts()}


def _shown(
    release: Draft | ReleaseFiles, threshold: int, earlier_pages: Mapping[str, Sequence[pl.DataFrame]]
) -> list[pl.DataFrame]:
    exclusions, ledger = _exclusions(release), _ledger(release)
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
    others = _other_tables(release)
    sums += _sums_with_others(others, exclusions, ledger)
    reported = {**earlier_pages, others.name: [_as_published(release, others)]}
    return suppressed([exclusions, ledger, others], threshold, sums=sums, before=reported)[:2]


def _other_tables(release: Draft | ReleaseFiles) -> CountTable:
    """Each hospital's counts in other tables that leave the program; null if those tables have none."""
    conservation = release.table("conservation")
    ccns = conservation.select(pl.col("hospital_ccn").unique().sort())
    discharges = conservation.filter(pl.col("stage") == "3 costs", pl.col("window_name") == "performance")
    found = ccns.join(discharges.select("hospital_ccn", pl.col("cases_in").alias("discharges")), "hospital_ccn", "left")
    savings = release.table("savings", folder="savings")
    for scope in _SCOPES:
        cases = savings.filter(pl.col("scope") == scope).select("hospital_ccn", pl.col("cases").alias(scope))
        found = found.join(cases, "hospital_ccn", "left")
    return CountTable(
        "beside", found.sort("hospital_ccn"), ("hospital_ccn",), ("discharges", *_SCOPES), owner="hospital_ccn"
    )


def _as_published(release: Draft | ReleaseFiles, others: CountTable) -> pl.DataFrame:
    """The same counts as those tables publish them, with hidden ones marked."""
    shown: dict[str, dict[str, int | None]] = {"discharges": {}, "all": {}, "participating": {}}
    if release.has("hospital_acquired_conditions", folder="quality"):
        table = release.table("hospital_acquired_conditions", folder="quality")
        own = table.filter(pl.col("code") == ALL, pl.col("hospital_ccn") != STATE)
        shown["discharges"] = dict(own.select("hospital_ccn", "discharges").iter_rows())
    if release.has("savings", folder="regulator"):
        savings = release.table("savings", folder="regulator")
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
    """Sums that relate the page to those tables, each only if it holds, as it does for every settled state."""
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


def _exclusions(release: Draft | ReleaseFiles) -> CountTable:
    """Exclusions of the performance window by reason and hospital, with a total row per reason."""
    key = ["exclusion_reason", "hospital_ccn"]
    rows = release.table("exclusions").filter(pl.col("window_name") == "performance").select(*key, "cases", "cost")
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


def _ledger(release: Draft | ReleaseFiles) -> CountTable:
    """Every stage of the performance window over all hospitals, and whether it balances."""
    sums = ("cases_in", "cases_kept", "cases_excluded", "amount_in", "amount_kept", "amount_excluded")
    by_hospital = release.table("conservation").filter(pl.col("window_name").is_in(["all", "performance"]))
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
