"""A study of whole quarters of Texas's inpatient public use data file: norms, and opportunity by cost center.

Belongs here: the study's policy, reference tables and statements. Does not belong here: reading the files
(``intake.texas.reading``), and code shared with other states (``state_study``).
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.texas.reading import TexasReceipt, read_texas
from hcip_pipeline.periods import Quarter, Window
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.reference.tables import load_tables_for_other_states
from hcip_pipeline.study.plan import STATEMENTS, StudyInput, StudyPlan, check_name
from hcip_pipeline.study.result import Progress, StudyResult, carry_out
from hcip_pipeline.study.state_study import (
    MAX_ERRORS,
    FaultyRows,
    cost_factors,
    factors_of_one,
    percent,
    require_few_errors,
)
from hcip_pipeline.warehouse.spec import BuildSpec


def run_texas_study(
    home: Home,
    folder: Path,
    quarters: tuple[Quarter, Quarter],
    policy: Policy | None = None,
    progress: Progress | None = None,
    *,
    name: str | None = None,
    allow_errors: Decimal = MAX_ERRORS,
) -> StudyResult:
    """Compute norms by all three methods and opportunity by hospital, physician and cost center on PUDF quarters.

    Args:
        home: receives ``lake/texas_pudf/<name>/``, ``warehouse/studies/`` and ``studies/<name>/``; reference tables in
            its inbox are used, including ``cost_factors.csv`` with THCIC_ID as hospital.
        folder: the unpacked files of all quarters.
        quarters: the first and last quarter of the window, which is its own base year.
        policy: None for the policy's defaults. The window and ``rcc`` replace its base year and cost method.
        progress: called with each step as it is done.
        name: name of the study; ``texas-<first>-<last>`` if None.
        allow_errors: the share of faulty rows per file that the study may leave out.

    Raises:
        HcipError: a file is refused (``read_texas``), or some of its hospitals have no cost factor.
        UsageError: the name is not valid as a folder name.
    """
    first, last = quarters
    name = check_name(f"texas-{first}-{last}" if name is None else name)
    window = Window(first.start, last.end, "performance")
    tables = load_tables_for_other_states(home.inbox if home.inbox.exists() else None)
    into = home.lake / "texas_pudf" / name
    shutil.rmtree(into, ignore_errors=True)
    receipt = read_texas(folder, window.quarters, into, tables["apr_drg"], progress)
    for file in receipt.files:
        own = [p for p in receipt.problems if p.file == file.file and p.severity == "ERROR"]
        rows = FaultyRows(
            rule="TEXAS-ERROR-RATE",
            faulty=file.error_rows,
            judged=file.rows_read,
            what="faulty",
            counted=", ".join(f"{p.rule} {p.rows}, first in row {p.row}" for p in own),
            fix="use the files as published, or allow more rows to be left out: --allow-errors 5%",
        )
        require_few_errors(file.file, rows, allow_errors)
    return carry_out(home, plan_texas_study(home, name, window, receipt, tables, policy, allow_errors), progress)


def plan_texas_study(
    home: Home,
    name: str,
    window: Window,
    receipt: TexasReceipt,
    tables: dict[str, pl.DataFrame],
    policy: Policy | None,
    allow_errors: Decimal = MAX_ERRORS,
) -> StudyPlan:
    """The build and statements for files that were read. Raises as ``run_texas_study``."""
    hospitals = receipt.hospitals
    years = {quarter.year for quarter in window.quarters}
    acute = pl.read_parquet(receipt.folder / "hospitals.parquet").filter(pl.col("acute") == "Y")["ccn"].to_list()
    factors, about_factors = cost_factors(home, acute, years, by_center=True, example="THCIC_ID as hospital_ccn")
    others = [ccn for ccn in hospitals if ccn not in set(acute)]
    if others:  # excluded regardless of cost: their charges are shown unchanged
        factors = pl.concat([factors, factors_of_one(others, years)])
    chosen = policy or Policy(version="defaults", base_year=window.calendar_year)
    policy_in_force = Policy.model_validate(
        chosen.model_dump() | {"base_year": window.calendar_year, "cost_method": "rcc"}
    )
    without_charge_factor = "every factor is 1" in about_factors
    statements = [
        *STATEMENTS,
        "physicians are identified by the publisher's codes, without names; suppressed and unmatched codes do not "
        "count as physicians",
        about_factors + (", so costs are charges" if without_charge_factor else ""),
        "a discharge counts in the quarter of its file, even if it belongs to an earlier quarter",
        f"the files are {'; '.join(sorted({file.form for file in receipt.files}))}",
    ]
    if policy is not None and policy.cost_method != "rcc":
        statements.append(f"cost_method is rcc, not the policy's {policy.cost_method}")
    left_out = sum(file.quarantined for file in receipt.files)
    if left_out:
        statements.append(f"{left_out} of {sum(f.rows_read for f in receipt.files)} rows could not be used")
    if allow_errors > MAX_ERRORS:
        statements.append(f"up to {percent(allow_errors)} faulty rows per file were allowed")
    spec = BuildSpec(
        name=name,
        kind="study",
        windows=(window, Window(window.start, window.end, "base_year")),
        policy=policy_in_force,
        elections={ccn: Elections() for ccn in hospitals},
        sources={
            **{table: receipt.parquet(table) for table in ("discharges", "charges")},
            **{table: [receipt.folder / f"{table}.parquet"] for table in ("hospitals", "apr_drg", "receipts")},
            **{table: tables[table] for table in ("rate_centers", "revenue_codes")},
            "cost_factors": factors,
        },
    )
    return StudyPlan(
        title=f"Texas inpatient discharges, {receipt.quarters[0]} to {receipt.quarters[-1]}",
        spec=spec,
        statements=tuple(statements),
        inputs=tuple(StudyInput(f.file, f.sha256, f.rows_read, f.accepted, f.quarantined) for f in receipt.files),
        problems=receipt.problems,
        identifier="physician code",
    )
