"""Ingesting submissions: accepted rows go to the lake as Parquet, others to quarantine, with a receipt for each.

Belongs here: what is written where and in which order. Does not belong here: the verdict (``judging``), and how
submissions of one hospital relate (``standing``).

Accepted rows are written before the receipt, and only the receipt makes them count: an interrupted run leaves nothing
that counts. Only the inbox, the reference tables and the policy are read, so the lake does not depend on what was
accepted before.
"""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import polars as pl

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_json
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital import lake_files, standing
from hcip_pipeline.intake.hospital.file_scan import scan_file
from hcip_pipeline.intake.hospital.folders import Submission, contents, submissions
from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.rules.problem import Problem

HospitalTable = Literal["discharges", "charges"]
_TABLES: tuple[HospitalTable, ...] = ("discharges", "charges")

#: Submissions of up to this many bytes are judged at the same time, this many at once.
_SMALL_BYTES = 16_000_000
_AT_A_TIME = 2


def ingest_quarter(
    home: Home,
    quarter: Quarter,
    policy: Policy,
    progress: Callable[[str], None] | None = None,
    *,
    reference: Mapping[str, pl.DataFrame] | None = None,
) -> list[SubmissionReceipt]:
    """Ingest every submission of a quarter that is not yet in the lake, and account for all of them.

    A submission that was judged with other reference tables, cost method or edits is judged again; one that another
    process has judged for this quarter (``together``) is not. A refusal never stops the others.

    Args:
        progress: called with each submission before it is judged.
        reference: tables to judge with; by default those of the inbox and the shipped ones.

    Returns:
        Receipts of all submissions of the quarter, by hospital and version.

    Raises:
        HcipError: a reference table is refused, or rows do not reconcile.
    """
    found = submissions(home.inbox, quarter)
    before = {receipt.stem: receipt for receipt in receipts(home, quarter)}
    tables = load_reference(home.inbox) if reference is None else reference
    changed: set[str] = set()
    adopted: set[str] = set()
    completed: dict[str, SubmissionReceipt] = {}
    with ExitStack() as stack:
        spill = home.warehouse / "judging"
        judge = stack.enter_context(Judge(tables, policy.cost_method, spill=spill))
        waiting = []
        for submission in found:
            earlier = before.get(submission.stem)
            if earlier is not None and _is_completed(submission, earlier):
                completed[submission.stem] = earlier
                waiting.append(submission)
            elif earlier is not None and _has_changed(submission, earlier):
                changed.add(submission.stem)
            elif earlier is None and (judged := _adopted(home, submission, judge.judged_with)) is not None:
                before[submission.stem] = judged
                adopted.add(submission.stem)
            elif earlier is None or earlier.judged_with != judge.judged_with:
                waiting.append(submission)
        shutil.rmtree(judged_path(home, quarter, "").parent, ignore_errors=True)
        idle_judges: SimpleQueue[Judge] = SimpleQueue()
        idle_judges.put(judge)
        small = [submission for submission in waiting if _is_small(submission)]
        if len(small) > 1:
            idle_judges.put(stack.enter_context(Judge(tables, policy.cost_method, spill=spill)))

        def ingest(submission: Submission) -> None:
            judge = idle_judges.get()
            try:
                earlier = completed.get(submission.stem)
                before[submission.stem] = _ingest(home, judge, submission, earlier)
            finally:
                idle_judges.put(judge)

        for together, at_a_time in ((small, _AT_A_TIME), ([s for s in waiting if s not in small], 1)):
            _side_by_side(ingest, together, at_a_time, progress)
    settled = standing.settle(before.values(), _of_other_quarters(home, quarter))
    for receipt in settled:
        path = receipt_path(home, quarter, receipt.stem)
        if _read(path) != receipt:
            write_json(receipt.as_dict(), path)
    note = Problem("S-CHANGED", "changed since it was ingested")
    judged_now = adopted | {submission.stem for submission in waiting}
    return [
        replace(
            standing.with_problem(receipt, note) if receipt.stem in changed else receipt,
            is_new=receipt.stem in judged_now,
        )
        for receipt in settled
    ]


def _is_small(submission: Submission) -> bool:
    """Whether a submission is so small that one engine leaves most of the machine idle, and two fit into its memory."""
    files = contents(submission).paths
    return sum(path.stat().st_size for path in files if path.is_file()) <= _SMALL_BYTES


def _side_by_side(
    ingest: Callable[[Submission], None],
    waiting: Sequence[Submission],
    at_a_time: int,
    progress: Callable[[str], None] | None,
) -> None:
    """Ingest ``at_a_time`` submissions at once, started in order.

    No submission reads what another writes, so the lake does not depend on which finishes first.

    Raises:
        HcipError: the first error raised; submissions that had not started by then are left out.
    """
    running: deque[Future[None]] = deque()
    with ThreadPoolExecutor(max_workers=at_a_time) as pool:
        for submission in waiting:
            if len(running) == at_a_time:
                running.popleft().result()
            if progress is not None:
                progress(submission.id if submission.ccn else submission.stem)
            running.append(pool.submit(ingest, submission))
        for taken in running:
            taken.result()


def receipts(home: Home, quarter: Quarter) -> list[SubmissionReceipt]:
    """Every receipt of a quarter, by hospital and version."""
    folder = home.lake_hospital("receipts", quarter)
    found = [_read(path) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=standing.order)


def files_in_force(home: Home, table: HospitalTable, quarter: Quarter) -> list[Path]:
    """The Parquet files of the newest accepted version of each hospital, by hospital.

    Raises:
        HcipError: a receipt names a file that is not there.
    """
    paths = [
        lake_path(home, table, quarter, receipt.stem)
        for receipt in receipts(home, quarter)
        if receipt.in_force and receipt.file(table) is not None
    ]
    for path in paths:
        if not path.is_file():
            raise HcipError(
                "a file that a receipt names is missing from the lake",
                file=path,
                fix="remove the receipt and ingest again",
            )
    return paths


def lake_path(home: Home, table: HospitalTable, quarter: Quarter, stem: str) -> Path:
    """Where an accepted submission's rows are stored."""
    return home.lake_hospital(table, quarter) / f"{stem}.parquet"


def receipt_path(home: Home, quarter: Quarter, stem: str) -> Path:
    """Where a submission's receipt is stored."""
    return home.lake_hospital("receipts", quarter) / f"{stem}.json"


def judged_path(home: Home, quarter: Quarter, stem: str) -> Path:
    """Where the receipt of a submission that was judged but does not count yet is stored."""
    return home.lake_hospital("judged", quarter) / f"{stem}.json"


def quarantine_path(home: Home, quarter: Quarter, stem: str) -> Path:
    """Where a submission's quarantined rows are stored."""
    return home.quarantine / "hospital" / f"quarter={quarter}" / f"{stem}.parquet"


def _adopted(home: Home, submission: Submission, judged_with: str) -> SubmissionReceipt | None:
    """The receipt of a submission that another process judged, moved to those that count; None: it must be judged."""
    path = judged_path(home, submission.quarter, submission.stem)
    if not path.is_file():
        return None
    receipt = _read(path)
    if receipt.judged_with != judged_with or _has_changed(submission, receipt):
        return None
    place = receipt_path(home, submission.quarter, submission.stem)
    place.parent.mkdir(parents=True, exist_ok=True)
    path.replace(place)
    return receipt


def _ingest(
    home: Home, judge: Judge, submission: Submission, incomplete: SubmissionReceipt | None
) -> SubmissionReceipt:
    """Judge a submission, and write its rows and its receipt.

    Args:
        incomplete: the receipt of the same folder while files were missing; the new receipt keeps its facts.
    """
    known = _read_if_there(receipt_path(home, submission.quarter, submission.stem))
    earlier = incomplete.as_earlier() if incomplete else known.earlier if known else ()
    receipt = replace(write_judged(home, judge, submission), earlier=earlier)
    write_json(receipt.as_dict(), receipt_path(home, submission.quarter, submission.stem))
    for table in _TABLES:
        if receipt.status != "accepted" or receipt.file(table) is None:
            lake_path(home, table, submission.quarter, submission.stem).unlink(missing_ok=True)
    return receipt


def write_judged(home: Home, judge: Judge, submission: Submission) -> SubmissionReceipt:
    """Judge a submission and write its accepted and its quarantined rows; they count once its receipt is written."""
    receipt = judge.judge(submission)
    quarter, stem = submission.quarter, submission.stem
    if receipt.status == "accepted":
        for table in _TABLES:
            file = receipt.file(table)
            if file is not None:
                path = lake_path(home, table, quarter, stem)
                lake_files.write_accepted(judge.con, table, receipt, path)
    lake_files.write_quarantine(judge.con, receipt, quarantine_path(home, quarter, stem))
    return receipt


def _is_completed(submission: Submission, earlier: SubmissionReceipt) -> bool:
    """Whether files were added to a submission that was refused for missing files, and the others are the same."""
    if earlier.status != "refused" or all(problem.rule != "F-MISSING" for problem in earlier.problems):
        return False
    entries = contents(submission).entries
    if not set(entries) > set(earlier.entries):
        return False
    kept = [(submission.folder / file.name, file.sha256) for file in earlier.files]
    return all(path.is_file() and scan_file(path).sha256 == sha256 for path, sha256 in kept)


def _has_changed(submission: Submission, earlier: SubmissionReceipt) -> bool:
    """Whether files differ from what was judged: by name and size, and by content if the submission was refused."""
    if not earlier.ccn:
        return False
    if contents(submission).entries != earlier.entries:
        return True
    for file in earlier.files:
        path = submission.folder / file.name
        if (path.stat().st_size if path.is_file() else 0) != file.bytes:
            return True
        if earlier.status == "refused" and file.sha256 and scan_file(path).sha256 != file.sha256:
            return True
    return False


def _of_other_quarters(home: Home, quarter: Quarter) -> Iterable[SubmissionReceipt]:
    for folder in sorted((home.lake / "hospital" / "receipts").glob("quarter=*")):
        if folder.name != f"quarter={quarter}":
            for path in sorted(folder.glob("*.json")):
                yield _read(path)


def _read_if_there(path: Path) -> SubmissionReceipt | None:
    return _read(path) if path.is_file() else None


def _read(path: Path) -> SubmissionReceipt:
    try:
        return SubmissionReceipt.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        raise HcipError("the receipt cannot be read", file=path, fix="remove it and ingest again") from error
