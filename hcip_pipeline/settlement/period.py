"""The build of a performance period from the lake."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from hcip_pipeline.contracts import cms, program, protocol, reference, run
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf.receipts import files_in_force as claim_files_in_force
from hcip_pipeline.intake.cclf.receipts import in_force as archives_in_force
from hcip_pipeline.intake.hospital.ingest import files_in_force, receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.intake.period_intake import files_in_force as files_in_force_of_period
from hcip_pipeline.intake.program.receipts import receipt_in_force
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter, Window, base_year_window
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.program_version import program_version
from hcip_pipeline.release.notes import Note
from hcip_pipeline.settlement.baseline_changes import baseline_replaced
from hcip_pipeline.settlement.completeness import check_base_year, check_complete
from hcip_pipeline.settlement.earlier_releases import (
    earlier_frames,
    earlier_program_files,
    earlier_release_files,
    unreleased_periods,
)
from hcip_pipeline.settlement.norm_tables import NormTable, frozen_norm_table, norm_build, norm_key, norm_table
from hcip_pipeline.settlement.program_changes import ProgramTables, program_changes
from hcip_pipeline.settlement.receipts_of_lake import check_receipts
from hcip_pipeline.settlement.restatements_due import restatements_due
from hcip_pipeline.settlement.spec_digest import Parts, built_from
from hcip_pipeline.warehouse.build import BuildResult, Progress, build
from hcip_pipeline.warehouse.project import project_digest
from hcip_pipeline.warehouse.spec import BuildSpec, Source, check_cost_index


@dataclass(frozen=True)
class PeriodBuild:
    """A period's build, the files it came from, and notes such as those on missing data.

    ``built_from`` is everything that the build depends on, part by part (``spec_digest``).
    """

    result: BuildResult
    inputs: tuple[dict[str, Any], ...]
    notes: tuple[Note, ...]
    built_from: Parts


def windows_of(period: PerformancePeriod, policy: Policy) -> tuple[Window, ...]:
    """Performance and baseline (methodology §1); the base year has a norm table of its own."""
    return (period.window, period.baseline(policy.baseline_window))


def quarters_of(windows: Sequence[Window]) -> list[Quarter]:
    """Every quarter that one of the windows needs, in order."""
    return sorted({quarter for window in windows for quarter in window.quarters})


def quarters_needed(period: PerformancePeriod, policy: Policy) -> list[Quarter]:
    """Every quarter that must be in the lake for ``period``: of its windows and of the base year."""
    return quarters_of([*windows_of(period, policy), base_year_window(policy.base_year)])


def build_period(
    home: Home,
    period: PerformancePeriod,
    policy: PolicyFile,
    *,
    select: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> PeriodBuild:
    """Build ``period`` from the lake, and first the norm table of its base year if there is none.

    Args:
        select: only these models, in dbt's selection syntax; such a build cannot be released.

    Raises:
        HcipError: the base year or the period has no data, data are missing that the policy's ``require_complete``
            requires, a rate that the build needs is missing, or a check failed.
    """
    notes = check_period(home, period, policy.policy)
    norms = base_year_norms(home, policy.policy, threads=threads, progress=progress)
    spec = period_spec(home, period, policy.policy, norms)
    inputs = period_inputs(home, period, spec, norms)
    parts = _built_from(policy, spec, inputs, file_sha256)
    result = build(spec, home.warehouse / str(period), threads=threads, select=select, progress=progress)
    if norms.build is not None:
        result = replace(result, nodes=norms.build.nodes + result.nodes)
    programs = pl.read_parquet(home.lake_program(period) / "programs.parquet")
    notes += unreleased_periods(home, period, programs)
    notes += restatements_due(home, period)
    return PeriodBuild(result, inputs, tuple(notes), parts)


def period_inputs(
    home: Home, period: PerformancePeriod, spec: BuildSpec, norms: NormTable
) -> tuple[dict[str, Any], ...]:
    """Every input file of a build of ``period``, as ``{"file", "sha256", "rows"}``, ordered by file."""
    inputs = {
        str(item["file"]): dict(item)
        for item in (
            *norms.inputs,
            *_hospital_files(home, spec.windows),
            *_claim_files(home, period),
            *files_in_force_of_period(home, period),
            *earlier_release_files(home, period),
            *earlier_program_files(home, period),
        )
    }
    return tuple(inputs[file] for file in sorted(inputs))


def built_from_now(
    home: Home, period: PerformancePeriod, policy: PolicyFile, file_sha256: Callable[[Path], str] = file_sha256
) -> Parts | None:
    """What a build of ``period`` would be made from with the current lake; None if its norm table does not exist yet.

    Args:
        file_sha256: hashes a file of the lake.

    Raises:
        HcipError: a table of the lake is missing.
    """
    norms = frozen_norm_table(home, policy.policy)
    if norms is None:
        return None
    spec = period_spec(home, period, policy.policy, norms)
    return _built_from(policy, spec, period_inputs(home, period, spec, norms), file_sha256)


def _built_from(
    policy: PolicyFile, spec: BuildSpec, inputs: Iterable[Mapping[str, Any]], file_sha256: Callable[[Path], str]
) -> Parts:
    return built_from(
        spec,
        inputs,
        policy_sha256=policy.sha256,
        program_version=program_version(),
        models_version=project_digest(),
        file_sha256=file_sha256,
    )


def period_spec(home: Home, period: PerformancePeriod, policy: Policy, norms: NormTable) -> BuildSpec:
    """The build of ``period`` from the current lake."""
    windows = windows_of(period, policy)
    hospitals = pl.read_parquet(home.lake_reference / "hospitals.parquet")
    protocols = pl.read_parquet(home.lake_program(period) / "protocols.parquet")
    programs = pl.read_parquet(home.lake_program(period) / "programs.parquet")
    earlier = earlier_frames(home, period)
    amounts = earlier[run.EARLIER_OTHER_PROGRAM_AMOUNTS.name]
    lake = home.lake_program(period)
    care_partners, excluded = (pl.read_parquet(lake / f"{n}.parquet") for n in ("care_partners", "excluded_in_period"))
    baseline = _baseline_files(home, windows)
    replaced = baseline_replaced(home, period, _in_force(home, [period.baseline(policy.baseline_window)]))
    tables = ProgramTables(programs, protocols, amounts, care_partners, excluded)
    changes = program_changes(home, period, tables, baseline, replaced)
    return BuildSpec(
        name=str(period),
        kind="period",
        windows=windows,
        policy=policy,
        elections=elections_in_force(hospitals, protocols, policy),
        sources={
            **lake_sources(home, windows),
            **_program_sources(home, period),
            **_claim_sources(home, period),
            **earlier,
            run.PROGRAM_CHANGES.name: changes,
            **norms.sources(),
        },
    )


def check_period(home: Home, period: PerformancePeriod, policy: Policy) -> list[Note]:
    """Check that ``period`` can be built from the lake.

    Returns:
        A note for all missing data that the policy accepts.

    Raises:
        HcipError: the base year or the period has no data, data are missing that the policy's ``require_complete``
            requires, a rate that the build needs is missing, or the lake does not have the rows or dollars that a
            receipt states.
    """
    windows = [*windows_of(period, policy), base_year_window(policy.base_year)]
    hospitals = pl.read_parquet(home.lake_reference / "hospitals.parquet")
    cost_index = pl.read_parquet(home.lake_reference / "cost_index.parquet")
    notes = check_complete(home, period, policy, _receipts_of(home, windows), hospitals)
    check_cost_index(cost_index, windows, str(home.inbox / "reference" / "cost_index.csv"))
    if receipt_in_force("care_partners", home.lake_program(period)) is None:
        raise HcipError(
            "there is no certified list of care partners, so no one could be paid",
            file=home.inbox / "program" / str(period) / "care_partners.csv",
            rule="CARE-PARTNERS-MISSING",
            fix="add the list; a file with only its header means that no one takes part",
        )
    is_frozen = (home.lake / "norms" / norm_key(policy) / "manifest.json").is_file()
    archives = [r for r in archives_in_force(home) if Month.parse(r.month).start < period.run_date]
    check_receipts(home, _in_force(home, windows[:-1] if is_frozen else windows), archives)
    return notes


def base_year_norms(
    home: Home, policy: Policy, *, threads: int | None = None, progress: Progress | None = None
) -> NormTable:
    """The norm table of the policy's base year, made from the lake if there is none.

    Raises:
        HcipError: the base year has no data, or a check of the build failed.
    """
    check_base_year(home, policy, _receipts_of(home, [base_year_window(policy.base_year)]))

    def from_lake() -> tuple[BuildSpec, list[dict[str, Any]]]:
        return base_year_spec(home, policy), _hospital_files(home, [base_year_window(policy.base_year)])

    return norm_table(home, policy, from_lake, threads=threads, progress=progress)


def files_since_frozen(home: Home, policy: Policy, norms: NormTable) -> list[str]:
    """Files of the base year that arrived after its norm table was frozen; only another policy version uses them."""
    return norms.not_among(_hospital_files(home, [base_year_window(policy.base_year)]))


def rebuild_base_year(
    home: Home, policy: Policy, *, threads: int | None = None, progress: Progress | None = None
) -> BuildResult:
    """Repeat the build behind a norm table from the lake; the frozen table does not change.

    Raises:
        HcipError: the base year has no data, or a check of the build failed.
    """
    check_base_year(home, policy, _receipts_of(home, [base_year_window(policy.base_year)]))
    return norm_build(home, policy, base_year_spec(home, policy), threads=threads, progress=progress)


def base_year_spec(home: Home, policy: Policy) -> BuildSpec:
    """The build of the base year's norm table from the current lake."""
    windows = (base_year_window(policy.base_year),)
    return BuildSpec(
        name=f"base-year-{policy.base_year}",
        kind="norms",
        windows=windows,
        policy=policy,
        sources=lake_sources(home, windows),
    )


def _receipts_of(home: Home, windows: Sequence[Window]) -> list[SubmissionReceipt]:
    return [receipt for quarter in quarters_of(windows) for receipt in receipts(home, quarter)]


def _in_force(home: Home, windows: Sequence[Window]) -> list[SubmissionReceipt]:
    return [r for quarter in quarters_of(windows) for r in receipts(home, quarter) if r.in_force]


def lake_sources(home: Home, windows: Sequence[Window]) -> dict[str, Source]:
    """Hospital and reference tables of a build over ``windows``."""
    quarters = quarters_of(windows)
    sources: dict[str, Source] = {
        "discharges": [path for quarter in quarters for path in files_in_force(home, "discharges", quarter)],
        "charges": [path for quarter in quarters for path in files_in_force(home, "charges", quarter)],
    }
    sources["receipts"] = _receipts_frame(_in_force(home, windows))
    for name in reference.TABLES:
        sources[name] = _files(home.lake_reference / f"{name}.parquet", reference.TABLES[name])
    return sources


def _program_sources(home: Home, period: PerformancePeriod) -> dict[str, Source]:
    folder = home.lake_program(period)
    tables = program.TABLES | protocol.TABLES
    return {name: _files(folder / f"{name}.parquet", table) for name, table in tables.items()}


def _baseline_files(home: Home, windows: Sequence[Window]) -> list[tuple[str, Quarter, str]]:
    """Hospital, quarter and sha256 of each submitted file in force of the baseline."""
    return [
        (receipt.ccn, Quarter.parse(receipt.quarter), file.sha256)
        for receipt in _in_force(home, [window for window in windows if window.name == "baseline"])
        for file in receipt.files
    ]


def _claim_files(home: Home, period: PerformancePeriod) -> list[dict[str, Any]]:
    """Every CMS archive in force, with its hash and records."""
    return [
        {
            "file": f"cms/{receipt.month}/{receipt.archive}",
            "sha256": receipt.sha256,
            "rows": sum(file.records_read for file in receipt.files),
        }
        for receipt in archives_in_force(home)
        if Month.parse(receipt.month).start < period.run_date
    ]


def months_needed(home: Home, period: PerformancePeriod) -> list[Month]:
    """Months of CMS files that a period may use: those delivered before it is due (methodology §1, run-out)."""
    folder = home.inbox / "cms"
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    months = [Month.parse(name) for name in sorted(names) if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", name)]
    return [month for month in months if month.start < period.run_date]


def _claim_sources(home: Home, period: PerformancePeriod) -> dict[str, Source]:
    months = [
        receipt.month for receipt in archives_in_force(home) if Month.parse(receipt.month).start < period.run_date
    ]
    return {name: claim_files_in_force(home, name, months) for name in cms.TABLES}


def _files(path: Path, table: Table) -> list[Path]:
    if not path.exists():
        raise HcipError(
            f"the table {table.name} has not been ingested", file=path, fix="run `hcip ingest` for this partition first"
        )
    return [path]


def _receipts_frame(in_force: Sequence[SubmissionReceipt]) -> pl.DataFrame:
    """Counts of discharges and their dollars from the receipt of each submission in force."""
    rows: list[tuple[object, ...]] = []
    for receipt in in_force:
        file = receipt.file("discharges")
        if file is None:
            continue
        excluded = file.rows.quarantined + file.rows.superseded
        dollars = file.dollars.quarantined + file.dollars.superseded
        rows.append(
            (
                receipt.ccn,
                receipt.quarter,
                int(file.rows.read),
                int(excluded),
                Decimal(file.dollars.read),
                Decimal(dollars),
            )
        )
    schema = run.RECEIPTS.schema
    return pl.DataFrame(rows, schema=schema, orient="row")


def elections_in_force(hospitals: pl.DataFrame, protocols: pl.DataFrame, policy: Policy) -> dict[str, Elections]:
    """Hospital -> the values that its protocol elects under ``policy``; without a protocol, none.

    ``protocols`` has the values in force under the intake's policy. Under another policy, values that were not elected
    are that policy's.
    """
    elections = {ccn: Elections() for ccn in hospitals["ccn"]}
    for row in protocols.iter_rows(named=True):
        elected = Elections(**{name: row[name] for name in Elections.model_fields if row[f"has_elected_{name}"]})
        try:
            elected.over(policy)
        except ValidationError:
            continue  # the protocol contradicts this policy, whose values apply instead (policy.protocol_checks)
        elections[row["hospital_ccn"]] = elected
    return elections


def _hospital_files(home: Home, windows: Sequence[Window]) -> list[dict[str, Any]]:
    """Every submitted file in force, with its hash and rows."""
    return [
        {"file": f"hospital/{receipt.submission}/{file.name}", "sha256": file.sha256, "rows": int(file.rows.read)}
        for receipt in _in_force(home, windows)
        for file in receipt.files
    ]
