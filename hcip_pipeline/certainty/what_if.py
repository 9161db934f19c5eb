"""What a released period would have paid with other cases, conditions or care partners; nothing is stored.

Belongs here: computing with the changes, and comparing payments. Does not belong here: the file of changes
(``changes``), and the models and tables that it replaces (``changed_inputs``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.certainty.changed_inputs import BY_REQUEST, patches_of, place_cases, program_tables
from hcip_pipeline.certainty.changes import CaseChange, Changes, read_changes
from hcip_pipeline.contracts import marts, run
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.simulation.released_build import open_build, with_norms_build
from hcip_pipeline.simulation.workbench import Workbench
from hcip_pipeline.warehouse.spec import BuildSpec

_PERIOD_TARGETS = (marts.INCENTIVES, marts.SAVINGS, marts.DISTRIBUTION_LIMITS)
_KEY = ["hospital_ccn", "npi"]
#: columns that are computed from the physician's own cases
_CALCULATED = {"performance_incentive", "improvement_incentive_medical", "improvement_incentive_surgical"}
#: column of the payment -> name of the step that moves it
_STEPS = {
    "performance_incentive": "performance",
    "improvement_incentive_medical": "medical improvement",
    "improvement_incentive_surgical": "surgical improvement",
    "conditions_adjustment": "conditions of payment",
    "standing_adjustment": "standing",
    "committee_adjustment": "committee adjustment",
    "pfs_cap_adjustment": "fee-schedule cap",
    "distribution_limit_adjustment": "hospital limit",
}


@dataclass(frozen=True)
class WhatIf:
    """The payments that move.

    Attributes:
        payments: one row per hospital and care partner whose payment changes: ``calculated``, ``final`` and ``status``
            as released and with the changes (``_then``), in dollars; ``steps`` that changed; ``because``.
        norms_changed: number of cells whose norm changes.
        cases: the outcome of each changed case in the period's build, one row per window.
        is_synthetic: the release is from invented data.
    """

    period: str
    release: str
    payments: pl.DataFrame
    norms_changed: int
    cases: pl.DataFrame
    is_synthetic: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON; money as text."""
        tables = {"payments": self.payments.to_dicts(), "cases": self.cases.to_dicts()}
        facts = {"period": self.period, "release": self.release, "norms_changed": self.norms_changed}
        return facts | json.loads(json.dumps(tables, default=str))

    @property
    def idle_cases(self) -> list[str]:
        """A sentence on each changed case of the period that earns no one anything and was not excluded by request."""
        idle = []
        for row in self.cases.filter(pl.col("window_name") == "performance").iter_rows(named=True):
            named = f"the case {row['account_no']} of hospital {row['hospital_ccn']}"
            if row["exclusion_reason"] == BY_REQUEST:
                continue
            if not row["is_counted"]:
                idle.append(f"{named} is not counted: {row['exclusion_reason']}")
            elif row["npi"] is None:
                idle.append(f"{named} has no responsible physician")
            elif not row["is_care_partners"]:
                idle.append(f"{named} belongs to {row['npi']}, who is not a care partner of the hospital")
            elif not row["has_norm"]:
                idle.append(f"{named} is in a cell without a norm")
        return idle


def what_if(
    home: Home,
    period: PerformancePeriod,
    path: Path,
    *,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> WhatIf:
    """Recompute the period's newest release with the changes of a file.

    Raises:
        HcipError: the period is not released, its warehouse contains another build, or a change names a case,
            physician or condition that does not exist.
    """
    changes = read_changes(path)
    targets = [table.name for table in _PERIOD_TARGETS]
    with open_build(home, period, targets, threads, progress) as released:
        bench, before, release = released.bench, released.payments, released.folder
        found = place_cases(bench, changes.cases, path)
        norms, elsewhere = _changed_norms(home, released.policy, changes.cases, path, threads, progress)
        known = found | elsewhere
        missing = [each for each in changes.cases if (each.hospital, each.account) not in known]
        if missing:
            more = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
            raise HcipError(
                f"there is no case {missing[0].account} of hospital {missing[0].hospital}{more} in {period}, its "
                f"baseline or the base year {released.policy.base_year}",
                file=path,
                rule="WHAT-IF-CASE",
                fix="write the hospital's CCN and the account number as submitted",
            )
        given: dict[str, tuple[Table, pl.DataFrame]] = {}
        if norms is not None:
            given["frozen_norms"] = (run.FROZEN["frozen_norms"], norms)
        given |= program_tables(bench, changes, before, period, path)
        progress("recomputing payments")
        patches, kept = patches_of([each for each in changes.cases if (each.hospital, each.account) in found])
        bench.compute(released.spec, given, patches=patches, kept=kept)
        after = bench.table(marts.INCENTIVES).sort(_KEY)
        old_norms = bench.lake(run.FROZEN["frozen_norms"]) if norms is not None else None
        touched = _touched(bench, changes)
        cases = _outcomes(bench)
    changed_cells = 0
    if norms is not None and old_norms is not None:
        key = run.FROZEN["frozen_norms"].key
        changed_cells = (
            pl.concat([norms, old_norms.select(norms.columns)]).unique(keep="none").select(key).unique().height
        )
    moved = _moved(before, after, touched, changed_cells > 0)
    return WhatIf(str(period), release.name, moved, changed_cells, cases, released.is_synthetic)


def _changed_norms(
    home: Home, policy: Policy, cases: Sequence[CaseChange], path: Path, threads: int | None, progress: Progress
) -> tuple[pl.DataFrame | None, set[tuple[str, str]]]:
    """The norm table with the changes, and the cases that are in the base year; None if there are none."""
    if not cases:
        return None, set()

    def compute(bench: Workbench, spec: BuildSpec) -> tuple[pl.DataFrame | None, set[tuple[str, str]]]:
        found = place_cases(bench, cases, path)
        if not found:
            return None, found
        progress(f"recomputing the norms of {policy.base_year}")
        patches, kept = patches_of([each for each in cases if (each.hospital, each.account) in found])
        bench.compute(spec, {}, patches=patches, kept=kept)
        return bench.table(marts.NORMS).select(run.FROZEN["frozen_norms"].names), found

    return with_norms_build(home, policy, compute, threads, progress)


def _outcomes(bench: Workbench) -> pl.DataFrame:
    """The outcome of each changed case, one row per window of the period's build."""
    place = bench.place
    return bench.connection.sql(
        f"""select
            cases.hospital_ccn, cases.account_no, cases.window_name, cases.npi, cases.apr_drg,
            cases.severity_of_illness, cases.total_cost as cost, cases.is_counted, cases.exclusion_reason,
            norms.apr_drg is not null as has_norm, partners.npi is not null as is_care_partners
        from {place("intermediate", "int_windowed_cases")} as cases
        semi join what_if.cases as changed using (hospital_ccn, account_no)
        left join {place("intermediate", "int_norms_in_force")} as norms using (apr_drg, severity_of_illness)
        left join {place("intermediate", "int_care_partners")} as partners using (hospital_ccn, npi)
        order by cases.hospital_ccn, cases.account_no, cases.window_name"""
    ).pl()


def _touched(bench: Workbench, changes: Changes) -> set[tuple[str, str]]:
    """Hospital and physician that a change names, or whose case it changes."""
    named = {(each.hospital, each.npi) for each in (*changes.conditions, *changes.care_partners)}
    physicians = "select hospital_ccn, npi from {} semi join what_if.cases using (hospital_ccn, account_no)"
    for place in ("hcip.intermediate.int_cases", bench.place("intermediate", "int_cases")):
        named |= set(bench.connection.execute(physicians.format(place)).fetchall())
    return named


def _moved(
    before: pl.DataFrame, after: pl.DataFrame, touched: set[tuple[str, str]], has_other_norms: bool
) -> pl.DataFrame:
    """Payments that change, those with the largest change of the final incentive first."""
    both = before.join(after, on=_KEY, how="full", coalesce=True, suffix="_then")
    rows = []
    for row in both.iter_rows(named=True):
        steps = [name for name in _STEPS if (row[name] or 0) != (row[f"{name}_then"] or 0)]
        if not steps and row["status"] == row["status_then"] and row["reasons"] == row["reasons_then"]:
            continue
        calculated = _CALCULATED.intersection(steps)
        because = []
        if (row["hospital_ccn"], row["npi"]) in touched:
            because.append("named in the changes")
        elif calculated and has_other_norms:
            because.append("the norms of the base year change")
        elif calculated:
            because.append("the cell's cost outliers, or the physician's cases at another hospital, change")
        if "distribution_limit_adjustment" in steps:
            because.append("the hospital's distribution limit is allocated again")
        if not because:
            because.append("the hospital's totals change")
        rows.append(
            {
                "hospital_ccn": row["hospital_ccn"],
                "npi": row["npi"],
                "name": row["name_then"] or row["name"],
                "calculated": row["calculated_incentive"],
                "calculated_then": row["calculated_incentive_then"],
                "final": row["final_incentive"],
                "final_then": row["final_incentive_then"],
                "status": row["status"],
                "status_then": row["status_then"],
                "reasons_then": row["reasons_then"],
                "steps": ", ".join(_STEPS[name] for name in steps),
                "because": "; ".join(because),
            }
        )
    text = ["hospital_ccn", "npi", "name", "status", "status_then", "reasons_then", "steps", "because"]
    money = ["calculated", "calculated_then", "final", "final_then"]
    schema = dict.fromkeys(text, pl.String()) | dict.fromkeys(money, pl.Decimal(18, 2))
    frame = pl.DataFrame(rows, schema=schema, orient="row").select(*text[:3], *money, *text[3:])
    change = (pl.col("final_then").fill_null(0) - pl.col("final").fill_null(0)).abs()
    return frame.sort(change, "hospital_ccn", "npi", descending=[True, False, False])
