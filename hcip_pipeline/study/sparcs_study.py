"""A study of a New York SPARCS file (inputs.md, "New York SPARCS").

Belongs here: the study's policy, cost factors and statements. Does not belong here: reading the file
(``intake.sparcs.reading``).
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcip_pipeline.errors import UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.sparcs.reading import SparcsReceipt, read_sparcs
from hcip_pipeline.periods import Window, base_year_window
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.study.plan import STATEMENTS, StudyInput, StudyPlan, check_name
from hcip_pipeline.study.result import Progress, StudyResult, carry_out
from hcip_pipeline.study.state_study import MAX_ERRORS, FaultyRows, cost_factors, percent, require_few_errors
from hcip_pipeline.warehouse.spec import BuildSpec


def run_sparcs_study(
    home: Home,
    file: Path,
    year: int,
    policy: Policy | None = None,
    progress: Progress | None = None,
    *,
    name: str | None = None,
    allow_errors: Decimal = MAX_ERRORS,
) -> StudyResult:
    """Compute norms by all three methods, opportunity and performance incentives on one year of a SPARCS file.

    Args:
        home: receives ``lake/sparcs/<name>/``, ``warehouse/studies/`` and ``studies/<name>/``; an
            ``inbox/reference/cost_factors.csv`` that names the file's hospitals is used.
        year: the discharge year; it is its own base year.
        policy: None for the policy's defaults. ``year`` and ``reported`` replace its base year and cost method.
        progress: called with each step as it is done.
        allow_errors: the share of rows that are faulty or of another year that the study may leave out.
        name: name of the study; ``sparcs-<year>`` if None.

    Raises:
        HcipError: the file is refused (``read_sparcs``), or some of its hospitals have no cost factor.
        UsageError: the name is not valid as a folder name.
    """
    name = check_name(f"sparcs-{year}" if name is None else name)
    if not 2000 <= year <= 2100:
        raise UsageError(f"{year} is not a discharge year", fix="use a year such as 2016")
    report = progress or (lambda _: None)
    report("reading the discharges")
    folder = home.lake / "sparcs" / name
    shutil.rmtree(folder, ignore_errors=True)
    receipt = read_sparcs(file, year, folder)
    _require_few_errors(file, receipt, allow_errors)
    plan = plan_sparcs_study(home, name, receipt, policy)
    if allow_errors > MAX_ERRORS:
        statement = f"up to {percent(allow_errors)} faulty rows or rows of another year were allowed: "
        statement += f"{receipt.error_rows} were left out"
        plan = replace(plan, statements=(*plan.statements, statement))
    return carry_out(home, plan, progress)


def _require_few_errors(file: Path, receipt: SparcsReceipt, allow_errors: Decimal) -> None:
    judged = receipt.accepted + receipt.error_rows
    of_other_years = 2 * receipt.rule_counts.get("SPARCS-OTHER-YEAR", 0) > receipt.error_rows
    needed = (receipt.error_rows * 100 + judged - 1) // judged
    rows = FaultyRows(
        rule="SPARCS-ERROR-RATE",
        faulty=receipt.error_rows,
        judged=judged,
        what="faulty or of another year",
        counted=", ".join(f"{f.rule} {f.rows}" for f in receipt.problems if f.severity == "ERROR"),
        fix=f"use a file of only {receipt.year}, or allow the others to be left out: --allow-errors {needed}%"
        if of_other_years
        else "correct the file, or allow more rows to be left out: --allow-errors 5%",
    )
    require_few_errors(file, rows, allow_errors)


def plan_sparcs_study(home: Home, name: str, receipt: SparcsReceipt, policy: Policy | None) -> StudyPlan:
    """The build and statements for a file that was read. Raises HcipError as ``run_sparcs_study``."""
    year, folder = receipt.year, receipt.folder
    ccns = pl.read_parquet(folder / "hospitals.parquet")["ccn"].to_list()
    factors, about_factors = cost_factors(home, ccns, {year}, by_center=False, example="facility 214 as 000214")
    statements = [*STATEMENTS]
    if receipt.has_license_numbers:
        statements.append("license numbers are used in place of NPIs")
    else:
        statements.append(
            "the file has no license numbers: the norms are by case_percentile and there are no physician rows"
        )
    statements.append(about_factors)
    if policy is not None and policy.cost_method != "reported":
        statements.append(
            f"the file has no charge lines: cost_method is reported, not the policy's {policy.cost_method}"
        )
    if receipt.quarantined:
        statements.append(f"{receipt.quarantined} of {receipt.rows_read} rows could not be used and were left out")
    base_year = base_year_window(year)
    spec = BuildSpec(
        name=name,
        kind="study",
        windows=(Window(base_year.start, base_year.end, "performance"), base_year),
        policy=_policy(policy, receipt),
        elections={ccn: Elections() for ccn in ccns},
        sources={
            **{table: [folder / f"{table}.parquet"] for table in ("discharges", "charges", "hospitals", "apr_drg")},
            "receipts": [folder / "receipts.parquet"],
            "cost_factors": factors,
        },
    )
    return StudyPlan(
        title=f"New York SPARCS discharges of {year}",
        spec=spec,
        statements=tuple(statements),
        inputs=(StudyInput(receipt.file, receipt.sha256, receipt.rows_read, receipt.accepted, receipt.quarantined),),
        problems=receipt.problems,
        identifier="license number" if receipt.has_license_numbers else "",
    )


def _policy(policy: Policy | None, receipt: SparcsReceipt) -> Policy:
    """The policy as this file allows it: reported cost, and norms over single cases if it has no physicians."""
    chosen = policy or Policy(version="defaults", base_year=receipt.year)
    changes: dict[str, object] = {"base_year": receipt.year, "cost_method": "reported"}
    if not receipt.has_license_numbers:
        changes["norm_method"] = "case_percentile"
        changes["exclusions"] = tuple(r for r in chosen.exclusions if r != "NO_RESPONSIBLE_PHYSICIAN")
    return Policy.model_validate(chosen.model_dump() | changes)
