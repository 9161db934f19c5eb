"""Hospital submissions of a quarter, from the inbox to the lake."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from hcip_pipeline.assets.intake_run import Event, PartitionIntake, Reported, ingest_each, report, require_files
from hcip_pipeline.assets.partition_work import intake_lock
from hcip_pipeline.assets.partitions import QUARTERS, check_spec
from hcip_pipeline.assets.resources import HomeResource, Session
from hcip_pipeline.checks.edit_rates import EDIT_CHECKS, edit_rate_results
from hcip_pipeline.checks.intake_checks import rows_reconcile, submissions_accepted
from hcip_pipeline.errors import HcipError, RefusedFileError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import BusyError
from hcip_pipeline.home.storage_faults import explain_storage_errors
from hcip_pipeline.periods import Quarter
from hcip_pipeline.tables.file_names import shown_unknown

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.folders import Submission
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
    from hcip_pipeline.policy.model import Policy

SUBMISSIONS = dg.AssetKey("submissions")
_BLOCKING = frozenset({"rows_reconcile"})


def ingest_partition(session: Session, resource: HomeResource, key: str) -> "list[SubmissionReceipt]":
    """Ingest a quarter. Every submission gets a receipt, even if it is refused.

    Raises:
        HcipError: nothing was sent, a reference table is refused, or rows do not reconcile.
    """
    from hcip_pipeline.intake.hospital.ingest import ingest_quarter

    quarter, home = Quarter.parse(key), resource.home()
    lake = [home.lake_hospital(table, quarter) for table in ("discharges", "charges", "receipts")]
    require_files(home, "hospital", key, "submission", lake[-1])
    if resource.join:
        _judge_with_others(session, home, quarter, resource.policy().policy)
    with intake_lock(session, home, key, f"ingesting {key}", *lake, wait=resource.join):
        return ingest_quarter(home, quarter, resource.policy().policy, session.progress)


def _judge_with_others(session: Session, home: Home, quarter: Quarter, policy: "Policy") -> None:
    """Judge the submissions of a quarter that no other run is working on; the last run ingests the quarter."""
    from hcip_pipeline.intake.hospital.together import judge_free

    @contextmanager
    def hold(submission: "Submission") -> Iterator[bool]:
        name = f"{quarter}-{submission.stem}"
        try:
            session.locks.take(home, name, f"judging {submission.id}")
        except BusyError:
            yield False
            return
        try:
            yield True
        finally:
            session.locks.drop(home, name)

    with explain_storage_errors(home):
        session.locks.take(home, str(quarter), f"judging {quarter} with others", "shared", wait=True)
        judge_free(home, quarter, policy, hold, session.progress)
    session.locks.drop(home, str(quarter))


@dg.multi_asset(
    name="submissions",
    specs=[
        dg.AssetSpec(
            SUBMISSIONS,
            group_name="hospital_intake",
            description="Discharges and charge lines of every hospital for a quarter: edits applied, accepted rows in "
            "the lake, rows in error in quarantine, a receipt for each file.\n\nA quarter with a refused "
            "submission fails until the submission is corrected; the other hospitals' submissions are ingested anyway.",
            kinds={"csv", "parquet"},
            owners=["team:data-intake"],
            deps=["reference_tables", "policy"],
            skippable=True,
        )
    ],
    check_specs=[
        check_spec(
            "rows_reconcile",
            SUBMISSIONS,
            QUARTERS,
            "Rows and dollars read = accepted + quarantined + superseded, in every file.",
            blocking=True,
        ),
        check_spec(
            "submissions_accepted",
            SUBMISSIONS,
            QUARTERS,
            "No submission of the quarter is refused. If one is, its earlier version stays in force.",
        ),
        *(check_spec(name, SUBMISSIONS, QUARTERS, description) for name, description in EDIT_CHECKS.items()),
    ],
    partitions_def=QUARTERS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    can_subset=True,
)
def submissions(
    context: dg.AssetExecutionContext, home: HomeResource, session: dg.ResourceParam[Session]
) -> Iterator[Event]:
    """Ingest the submissions of the run's quarters."""
    reports = []
    for intake in ingest_each(session, home, context.partition_keys, ingest_partition):
        if intake.receipts is not None:
            session.submissions[intake.key] = intake.receipts
            for receipt in intake.receipts:
                context.log.info(f"{intake.key}: {receipt.submission or receipt.stem}: {receipt.status}")
        reports.append(_reported(intake))
    yield from report(context, SUBMISSIONS, reports, _BLOCKING)


def _reported(intake: "PartitionIntake[list[SubmissionReceipt]]") -> Reported:
    if intake.receipts is None:
        return Reported(intake.key, {}, (), intake.error)
    checks = [
        rows_reconcile(SUBMISSIONS, intake.receipts),
        submissions_accepted(SUBMISSIONS, intake.receipts),
        *edit_rate_results(SUBMISSIONS, intake.receipts),
    ]
    return Reported(intake.key, _counts(intake.receipts), checks, _refusal(intake.receipts))


def _refusal(receipts: "Sequence[SubmissionReceipt]") -> HcipError | None:
    """The refusals that no later version of the same hospital has corrected."""
    from hcip_pipeline.intake.hospital.receipts import still_refused

    refused = still_refused(receipts)
    if not refused:
        return None
    first = next((problem for receipt in refused for problem in receipt.refusals), None)
    named = ", ".join(receipt.submission or receipt.stem for receipt in refused[:5])
    more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
    return RefusedFileError(
        f"refused: {named}{more}" + (f"; {first.message}" if first else ""),
        file=shown_unknown(first.file) if first and first.file else None,
        row=first.row if first else None,
        rule=first.rule if first else "",
        fix=first.fix if first and first.fix else "`hcip check` explains why, row by row; correct it and send it again",
    )


def _counts(receipts: "Sequence[SubmissionReceipt]") -> dict[str, dg.MetadataValue]:
    """Counts and dollars of a quarter; never a row."""
    counts: dict[str, dg.MetadataValue] = {
        "submissions": dg.MetadataValue.int(len(receipts)),
        "submissions refused": dg.MetadataValue.int(sum(receipt.status == "refused" for receipt in receipts)),
        "files": dg.MetadataValue.int(sum(len(receipt.files) for receipt in receipts)),
    }
    for table in ("discharges", "charges"):
        files = [file for receipt in receipts if (file := receipt.file(table)) is not None]
        for outcome in ("read", "accepted", "quarantined", "superseded"):
            rows = sum(int(getattr(file.rows, outcome)) for file in files)
            counts[f"{table} {outcome}"] = dg.MetadataValue.int(rows)
    in_force = [receipt for receipt in receipts if receipt.in_force]
    discharges = [file for receipt in in_force if (file := receipt.file("discharges")) is not None]
    counts["total charges accepted"] = dg.MetadataValue.float(float(sum(file.dollars.accepted for file in discharges)))
    counts["dagster/partition_row_count"] = counts["discharges accepted"]
    return counts


ASSETS = [submissions]
