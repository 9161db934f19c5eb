"""The models and tables of a build that a file of changes replaces, and checks of the changes against the build.

Belongs here: changed cases for the models that read them, changed rows of the period's program files. Does not belong
here: the file itself (``changes``), computing and comparing payments (``what_if``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.certainty.changes import CaseChange, Changes
from hcip_pipeline.contracts import program
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.simulation.released_build import WITHOUT_COSTS
from hcip_pipeline.simulation.workbench import Workbench

_KEY = ["hospital_ccn", "npi"]
#: exclusion reason of a case that the changes leave out
BY_REQUEST = "EXCLUDED_BY_REQUEST"
_PATCHES = {
    "stg_discharges": """
        select cases.* replace (
            coalesce(changed.attending_npi, cases.attending_npi) as attending_npi,
            coalesce(changed.operating_npi, cases.operating_npi) as operating_npi,
            coalesce(changed.apr_drg, cases.apr_drg) as apr_drg,
            coalesce(changed.severity_of_illness, cases.severity_of_illness) as severity_of_illness
        )
        from {model} as cases left join what_if.cases as changed using (hospital_ccn, account_no)""",
    "int_rule_exclusions": f"""
        select * from {{model}} as excluded
        anti join (from what_if.cases where counted is not null) as changed using (hospital_ccn, account_no)
        union all by name
        select hospital_ccn, account_no, ['{BY_REQUEST}'] as exclusion_reasons
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


def place_cases(bench: Workbench, cases: Sequence[CaseChange], path: Path) -> set[tuple[str, str]]:
    """Store the changed cases as ``what_if.cases``, for the patched models; return those in a window of the build.

    The new physician takes the responsible physician's role (methodology §4): operating in a surgical cell, attending
    in a medical one.
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
            wanted.cost, wanted.npi, cells.stream, cells.apr_drg is not null as is_known, cases.identifier_type,
            case when cells.stream = 'surgical' then wanted.npi end as operating_npi,
            case when cells.stream = 'medical' then wanted.npi end as attending_npi
        from wanted
        inner join hcip.staging.stg_discharges as cases using (hospital_ccn, account_no)
        semi join hcip.intermediate.int_case_windows as windows using (hospital_ccn, account_no)
        left join hcip.staging.stg_apr_drgs as cells
            on cases.grouper_version = cells.grouper_version
            and coalesce(wanted.apr_drg, cases.apr_drg) = cells.apr_drg"""
    )
    con.unregister("wanted")
    for account, hospital, wrong in con.execute(
        """select account_no, hospital_ccn,
            case
                when apr_drg is not null and not is_known
                    then 'there is no APR-DRG ' || apr_drg || ' in its grouper version'
                when npi is not null and stream is null
                    then 'its APR-DRG belongs to no stream, so no physician is responsible'
                when npi is not null and identifier_type <> 'NPI'
                    then 'its physicians are identified by license numbers, not NPIs'
            end as wrong
        from what_if.cases where wrong is not null order by hospital_ccn, account_no"""
    ).fetchall():
        raise HcipError(
            f"the case {account} of hospital {hospital} cannot be changed this way: {wrong}",
            file=path,
            rule="WHAT-IF-CASE",
            fix="use an APR-DRG of the case's grouper version" if "grouper version" in wrong else "remove the npi",
        )
    return set(con.execute("select hospital_ccn, account_no from what_if.cases").fetchall())


def patches_of(cases: Sequence[CaseChange]) -> tuple[dict[str, str], frozenset[str]]:
    """Models that the changes replace, and those that they leave as they are."""
    wanted = set()
    if any(each.npi or each.apr_drg or each.severity_of_illness for each in cases):
        wanted.add("stg_discharges")
    if any(each.counted is not None for each in cases):
        wanted |= {"int_rule_exclusions", "int_cost_outliers"}
    if any(each.cost is not None for each in cases):
        wanted.add("int_case_costs")
    return {name: sql for name, sql in _PATCHES.items() if name in wanted}, WITHOUT_COSTS - wanted


def program_tables(
    bench: Workbench, changes: Changes, before: pl.DataFrame, period: PerformancePeriod, path: Path
) -> dict[str, tuple[Table, pl.DataFrame]]:
    """The period's program tables with the changed rows."""
    given: dict[str, tuple[Table, pl.DataFrame]] = {}
    con = bench.connection
    hospitals = {ccn for (ccn,) in con.execute("select hospital_ccn from hcip.staging.stg_elections").fetchall()}
    unknown = {each.hospital for each in (*changes.conditions, *changes.care_partners)} - hospitals
    if unknown:
        raise HcipError(
            f"there is no hospital {min(unknown)}", file=path, rule="WHAT-IF-HOSPITAL",
            fix="write the CCN of a hospital of the period, six digits in quotes",
        )  # fmt: skip
    partners = set(before.select(_KEY).rows())
    if changes.care_partners:
        _check_partners(bench, changes, partners, path)
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


def _check_partners(bench: Workbench, changes: Changes, partners: set[tuple[str, str]], path: Path) -> None:
    con = bench.connection
    with_protocol = {ccn for (ccn,) in con.execute("select hospital_ccn from hcip.staging.stg_protocols").fetchall()}
    included = con.execute(
        "select hospital_ccn, intervention_id from hcip.staging.stg_protocol_interventions where is_included"
        " order by hospital_ccn, intervention_id"
    ).fetchall()
    for each in changes.care_partners:
        if not each.certified and (each.hospital, each.npi) not in partners:
            raise HcipError(
                f"{each.npi} is not a care partner of hospital {each.hospital}, so cannot be removed from its list",
                file=path,
                rule="WHAT-IF-PARTNER",
                fix="write the hospital's CCN and the NPI as in the release's incentives",
            )
        own = [name for ccn, name in included if ccn == each.hospital]
        unknown = [name for name in each.interventions if name not in own]
        if unknown and each.hospital in with_protocol:  # without a protocol every activity is approved (methodology §9)
            raise HcipError(
                f"the protocol of hospital {each.hospital} includes no intervention {unknown[0]}",
                file=path,
                rule="WHAT-IF-PARTNER",
                fix=f"it includes {', '.join(own)}" if own else "it includes no interventions",
            )


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
                f"{each.npi} is not a care partner of hospital {each.hospital}",
                file=path,
                rule="WHAT-IF-PARTNER",
                fix="certify the physician under care_partners in the same file",
            )
        if (each.hospital, each.npi, each.condition) in measured:
            raise HcipError(
                f"the condition {named} is measured from the discharges, so a reported result does not count",
                file=path,
                rule="WHAT-IF-CONDITION",
                fix="change the cases that it is measured from",
            )


def _replaced(frame: pl.DataFrame, keys: Sequence[tuple[str, ...]], rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """``frame`` without the rows of these keys (its first columns), and with the new rows."""
    if keys:
        names = frame.columns[: len(keys[0])]
        gone = pl.DataFrame(keys, schema=dict.fromkeys(names, pl.String), orient="row")
        frame = frame.join(gone, on=names, how="anti")
    if not rows:
        return frame
    new = pl.DataFrame(list(rows), schema_overrides={name: frame.schema[name] for name in rows[0]})
    return pl.concat([frame, new], how="diagonal")
