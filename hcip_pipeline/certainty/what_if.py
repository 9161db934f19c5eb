"""What a released period would have paid for other cases, conditions or care partners; nothing is stored.

Belongs here: turning changes into the models and tables that they replace, and comparing payments. Does not belong
here: the file of changes (``changes``), computing models (``simulation.workbench``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.certainty.changes import CaseChange, Changes, read_changes
from hcip_pipeline.contracts import marts, program, run
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.simulation.released_build import WITHOUT_COSTS, open_build, with_norms_build
from hcip_pipeline.simulation.workbench import Workbench
from hcip_pipeline.warehouse.spec import BuildSpec

Progress = Callable[[str], None]

_PATCHES = {
    "stg_discharges": """
        select cases.* replace (
            coalesce(changed.attending_npi, cases.attending_npi) as attending_npi,
            coalesce(changed.operating_npi, cases.operating_npi) as operating_npi,
            coalesce(changed.apr_drg, cases.apr_drg) as apr_drg,
            coalesce(changed.severity_of_illness, cases.severity_of_illness) as severity_of_illness
        )
        from {model} as cases left join what_if.cases as changed using (hospital_ccn, account_no)""",
    "int_rule_exclusions": """
        select * from {model} as excluded
        anti join (from what_if.cases where counted is not null) as changed using (hospital_ccn, account_no)
        union all by name
        select hospital_ccn, account_no, ['EXCLUDED_BY_REQUEST'] as exclusion_reasons
        from what_if.cases where not counted""",
    "int_cost_outliers": """
        select * from {model} as outliers
        anti join (from what_if.cases where counted) as changed using (hospital_ccn, account_no)""",
    "int_case_costs": """
        select costs.* replace (
            cast(coalesce(greatest(changed.cost - costs.supply_drug_cost, 0), costs.core_cost) as decimal(18, 2))
                as core_cost,
            cast(least(costs.supply_drug_cost, changed.cost) as decimal(18, 2)) as supply_drug_cost,
            cast(coalesce(changed.cost, costs.total_cost) as decimal(18, 2)) as total_cost
        )
        from {model} as costs left join what_if.cases as changed using (hospital_ccn, account_no)""",
}
_PERIOD_TARGETS = (marts.INCENTIVES, marts.SAVINGS, marts.DISTRIBUTION_LIMITS)
_KEY = ["hospital_ccn", "npi"]
#: A column of the payment -> what it shows that the payment moved by.
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
            as released and then, dollars; ``steps`` that changed; ``because``.
        norms_changed: cells whose norm changes.
    """

    period: str
    release: str
    payments: pl.DataFrame
    norms_changed: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON; money as text."""
        rows = json.loads(json.dumps(self.payments.to_dicts(), default=str))
        return {"period": self.period, "release": self.release, "norms_changed": self.norms_changed, "payments": rows}


def what_if(
    home: Home,
    period: PerformancePeriod,
    path: Path,
    *,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> WhatIf:
    """Compute the period's newest release with the changes of a file.

    Raises:
        HcipError: the period is not released, its warehouse holds another build, or a change names a case, physician or
            condition that is not there.
    """
    changes = read_changes(path)
    targets = [table.name for table in _PERIOD_TARGETS]
    with open_build(home, period, targets, threads, progress) as released:
        bench, before, release = released.bench, released.payments, released.folder
        found = _place_cases(bench, changes.cases)
        norms, elsewhere = _changed_norms(home, released.policy, changes.cases, threads, progress)
        missing = [each for each in changes.cases if (each.hospital, each.account) not in found | elsewhere]
        if missing:
            raise HcipError(
                f"there is no case {missing[0].account} of hospital {missing[0].hospital} in {period}, its baseline or "
                f"the base year {released.policy.base_year}",
                file=path,
                rule="WHAT-IF-CASE",
                fix="write the hospital's CCN and the account number as submitted",
            )
        given: dict[str, tuple[Table, pl.DataFrame]] = {}
        if norms is not None:
            given["frozen_norms"] = (run.FROZEN["frozen_norms"], norms)
        given |= _program_tables(bench, changes, before, period, path)
        progress("computing the payments")
        patches, kept = _patches_of([each for each in changes.cases if (each.hospital, each.account) in found])
        bench.compute(released.spec, given, patches=patches, kept=kept)
        after = bench.table(marts.INCENTIVES).sort(_KEY)
        old_norms = bench.lake(run.FROZEN["frozen_norms"]) if norms is not None else None
        touched = _touched(bench, changes)
    changed_cells = 0
    if norms is not None and old_norms is not None:
        key = run.FROZEN["frozen_norms"].key
        changed_cells = (
            pl.concat([norms, old_norms.select(norms.columns)]).unique(keep="none").select(key).unique().height
        )
    return WhatIf(str(period), release.name, _moved(before, after, touched, changed_cells > 0), changed_cells)


def _place_cases(bench: Workbench, cases: Sequence[CaseChange]) -> set[tuple[str, str]]:
    """Put the changed cases next to the models, as ``what_if.cases``; returns those that the build has.

    The new physician takes the place that makes him responsible (methodology §4): operating in a surgical cell,
    attending in a medical one.
    """
    columns = dict.fromkeys(("hospital_ccn", "account_no", "npi", "apr_drg", "severity_of_illness"), pl.String)
    wanted = pl.DataFrame(
        [
            (each.hospital, each.account, each.npi, each.apr_drg, each.severity_of_illness, each.counted, each.cost)
            for each in cases
        ],
        schema=columns | {"counted": pl.Boolean, "cost": pl.Decimal(18, 2)},
        orient="row",
    )
    con = bench.connection
    con.execute("create schema what_if")
    con.register("wanted", wanted.to_arrow())
    con.execute(
        """create table what_if.cases as
        select
            wanted.hospital_ccn, wanted.account_no, wanted.apr_drg, wanted.severity_of_illness, wanted.counted,
            wanted.cost, wanted.npi, cells.stream, cases.identifier_type,
            case when cells.stream = 'surgical' then wanted.npi end as operating_npi,
            case when cells.stream = 'medical' then wanted.npi end as attending_npi
        from wanted
        inner join hcip.staging.stg_discharges as cases using (hospital_ccn, account_no)
        left join hcip.staging.stg_apr_drgs as cells
            on cases.grouper_version = cells.grouper_version
            and coalesce(wanted.apr_drg, cases.apr_drg) = cells.apr_drg"""
    )
    con.unregister("wanted")
    for account, stream, identifiers in con.execute(
        "select account_no, stream, identifier_type from what_if.cases where npi is not null"
    ).fetchall():
        if stream is None or identifiers != "NPI":
            why = "its APR-DRG is in no stream" if stream is None else "its physicians are licence numbers"
            raise HcipError(f"the case {account} cannot be given to a physician: {why}", rule="WHAT-IF-CASE")
    return set(con.execute("select hospital_ccn, account_no from what_if.cases").fetchall())


def _patches_of(cases: Sequence[CaseChange]) -> tuple[dict[str, str], frozenset[str]]:
    """Models that the changes replace, and those that they leave as they are."""
    wanted = set()
    if any(each.npi or each.apr_drg or each.severity_of_illness for each in cases):
        wanted.add("stg_discharges")
    if any(each.counted is not None for each in cases):
        wanted |= {"int_rule_exclusions", "int_cost_outliers"}
    if any(each.cost is not None for each in cases):
        wanted.add("int_case_costs")
    return {name: sql for name, sql in _PATCHES.items() if name in wanted}, WITHOUT_COSTS - wanted


def _changed_norms(
    home: Home, policy: Policy, cases: Sequence[CaseChange], threads: int | None, progress: Progress
) -> tuple[pl.DataFrame | None, set[tuple[str, str]]]:
    """The norm table with the changes, and which of the cases lie in the base year; None where none does."""
    if not cases:
        return None, set()

    def compute(bench: Workbench, spec: BuildSpec) -> tuple[pl.DataFrame | None, set[tuple[str, str]]]:
        found = _place_cases(bench, cases)
        if not found:
            return None, found
        progress(f"computing the norms of {policy.base_year}")
        patches, kept = _patches_of([each for each in cases if (each.hospital, each.account) in found])
        bench.compute(spec, {}, patches=patches, kept=kept)
        return bench.table(marts.NORMS).select(run.FROZEN["frozen_norms"].names), found

    return with_norms_build(home, policy, compute, threads, progress)


def _program_tables(
    bench: Workbench, changes: Changes, before: pl.DataFrame, period: PerformancePeriod, path: Path
) -> dict[str, tuple[Table, pl.DataFrame]]:
    """The program files of the period with the changed rows."""
    given: dict[str, tuple[Table, pl.DataFrame]] = {}
    con = bench.connection
    hospitals = {ccn for (ccn,) in con.execute("select hospital_ccn from hcip.staging.stg_elections").fetchall()}
    unknown = {each.hospital for each in (*changes.conditions, *changes.care_partners)} - hospitals
    if unknown:
        raise HcipError(f"there is no hospital {min(unknown)}", file=path, rule="WHAT-IF-HOSPITAL")
    partners = set(before.select(_KEY).rows())
    if changes.care_partners:
        day = period.start - timedelta(days=1)
        rows = [
            {"hospital_ccn": each.hospital, "npi": each.npi, "name": each.name, "participation_start": day,
             "arrangement_signed": day, "screening_status": "cleared", "certified_on": day}
            for each in changes.care_partners if each.certified
        ]  # fmt: skip
        keys = [(each.hospital, each.npi) for each in changes.care_partners]
        given["care_partners"] = (program.CARE_PARTNERS, _replaced(bench.lake(program.CARE_PARTNERS), keys, rows))
        partners |= {(each.hospital, each.npi) for each in changes.care_partners if each.certified}
        performed = [
            {"hospital_ccn": each.hospital, "npi": each.npi, "intervention_id": name, "activities": count,
             "reported_on": day}
            for each in changes.care_partners for name, count in each.interventions.items()
        ]  # fmt: skip
        if performed:
            table = program.INTERVENTION_ACTIVITY
            given[table.name] = (table, _replaced(bench.lake(table), [], performed))
    if changes.conditions:
        _check_conditions(bench, changes, partners, path)
        rows = [
            {"hospital_ccn": each.hospital, "npi": each.npi, "condition_id": each.condition,
             "met": "Y" if each.met else "N", "source": "what-if", "reported_on": period.end}
            for each in changes.conditions
        ]  # fmt: skip
        reported = [(each.hospital, each.npi, each.condition) for each in changes.conditions]
        results = program.CONDITION_RESULTS
        given[results.name] = (results, _replaced(bench.lake(results), reported, rows))
    return given


def _check_conditions(bench: Workbench, changes: Changes, partners: set[tuple[str, str]], path: Path) -> None:
    conditions = dict(
        bench.connection.execute(
            "select (hospital_ccn, condition_id), computed_measure from hcip.staging.stg_conditions"
        ).fetchall()
    )
    measured = set(
        bench.connection.execute(
            "select hospital_ccn, npi, condition_id from hcip.intermediate.int_condition_outcomes"
            " where source = 'MEASURED'"
        ).fetchall()
    )
    for each in changes.conditions:
        named = f"{each.condition} of hospital {each.hospital}"
        if (each.hospital, each.condition) not in conditions:
            known = sorted(name for ccn, name in conditions if ccn == each.hospital)
            fix = f"the hospital's conditions are {', '.join(known)}" if known else "the hospital's protocol has none"
            raise HcipError(f"there is no condition {named}", file=path, rule="WHAT-IF-CONDITION", fix=fix)
        if (each.hospital, each.npi) not in partners:
            raise HcipError(
                f"{each.npi} is no care partner of hospital {each.hospital}",
                file=path,
                rule="WHAT-IF-PARTNER",
                fix="certify the physician under care_partners in the same file",
            )
        if (each.hospital, each.npi, each.condition) in measured:
            raise HcipError(
                f"the condition {named} is measured from the discharges: a report does not decide it",
                file=path,
                rule="WHAT-IF-CONDITION",
                fix="change the cases that it is measured from",
            )


def _replaced(frame: pl.DataFrame, keys: Sequence[tuple[str, ...]], rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """``frame`` without the rows of the keys (its first columns), and with the new rows."""
    if keys:
        names = frame.columns[: len(keys[0])]
        gone = pl.DataFrame(keys, schema=dict.fromkeys(names, pl.String), orient="row")
        frame = frame.join(gone, on=names, how="anti")
    if not rows:
        return frame
    new = pl.DataFrame(list(rows), schema_overrides={name: frame.schema[name] for name in rows[0]})
    return pl.concat([frame, new], how="diagonal")


def _touched(bench: Workbench, changes: Changes) -> set[tuple[str, str]]:
    """Hospital and physician that a change names, or whose case it moves."""
    named = {(each.hospital, each.npi) for each in (*changes.conditions, *changes.care_partners)}
    of_cases = "select hospital_ccn, npi from {} semi join what_if.cases using (hospital_ccn, account_no)"
    for place in ("hcip.intermediate.int_cases", bench.place("intermediate", "int_cases")):
        named |= set(bench.connection.execute(of_cases.format(place)).fetchall())
    return named


def _moved(
    before: pl.DataFrame, after: pl.DataFrame, touched: set[tuple[str, str]], has_other_norms: bool
) -> pl.DataFrame:
    """Payments that differ, the largest change of the final incentive first."""
    both = before.join(after, on=_KEY, how="full", coalesce=True, suffix="_then")
    rows = []
    for row in both.iter_rows(named=True):
        steps = [words for name, words in _STEPS.items() if (row[name] or 0) != (row[f"{name}_then"] or 0)]
        if not steps and row["status"] == row["status_then"] and row["reasons"] == row["reasons_then"]:
            continue
        calculated = [name for name in steps if name in list(_STEPS.values())[:3]]
        because = []
        if (row["hospital_ccn"], row["npi"]) in touched:
            because.append("named in the changes")
        elif calculated and has_other_norms:
            because.append("the norms of the base year change")
        elif calculated:
            because.append("the cell's cost outliers, or the physician's cases at another hospital, change")
        if "hospital limit" in steps:
            because.append("the hospital's limit is shared anew")
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
                "steps": ", ".join(steps),
                "because": "; ".join(because),
            }
        )
    text = ["hospital_ccn", "npi", "name", "status", "status_then", "reasons_then", "steps", "because"]
    money = ["calculated", "calculated_then", "final", "final_then"]
    schema = dict.fromkeys(text, pl.String()) | dict.fromkeys(money, pl.Decimal(18, 2))
    frame = pl.DataFrame(rows, schema=schema, orient="row").select(*text[:3], *money, *text[3:])
    change = (pl.col("final_then").fill_null(0) - pl.col("final").fill_null(0)).abs()
    return frame.sort(change, "hospital_ccn", "npi", descending=[True, False, False])
