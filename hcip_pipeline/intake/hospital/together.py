"""Judging a quarter's submissions in several processes at once, on one machine or on several that share the home.

Belongs here: which submissions are free, and where a verdict is stored until the quarter is ingested. Does not belong
here: the verdict (``judging``), and which submissions count (``ingest``).

A process judges any submission that no other is judging: accepted rows go to the lake, and the receipt to
``lake/hospital/judged``, where it does not count yet. The process that ingests the quarter later finds it there instead
of judging again, so the lake is the same as if a single process had done everything. A submission that a killed process
was judging has no receipt, so another process judges it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from hcip_pipeline.files.atomic import write_json
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.lake_seals import seal
from hcip_pipeline.intake.hospital.folders import Submission, submissions
from hcip_pipeline.intake.hospital.ingest import (
    judged_path,
    lake_path,
    receipt_path,
    write_judged,
)
from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import load_reference

#: Locks a submission while it is judged; yields whether the lock was free.
Hold = Callable[[Submission], AbstractContextManager[bool]]


def judge_free(
    home: Home, quarter: Quarter, policy: Policy, hold: Hold, progress: Callable[[str], None] | None = None
) -> int:
    """Judge every submission of a quarter that is not in the lake and that no one else is judging; return how many.

    The caller ensures that no one else ingests the quarter meanwhile.

    Args:
        progress: called with the submission before each is judged.

    Raises:
        HcipError: a reference table is refused, or rows do not reconcile.
    """
    judged = 0
    with Judge(load_reference(home.inbox), policy.cost_method, spill=home.warehouse / "judging") as judge:
        for submission in submissions(home.inbox, quarter):
            with hold(submission) as is_free:
                if not is_free or _is_judged(home, submission):
                    continue
                if progress is not None:
                    progress(submission.id if submission.ccn else submission.stem)
                _judge(home, judge, submission)
                judged += 1
    return judged


def _is_judged(home: Home, submission: Submission) -> bool:
    place = (home, submission.quarter, submission.stem)
    return receipt_path(*place).is_file() or judged_path(*place).is_file()


def _judge(home: Home, judge: Judge, submission: Submission) -> None:
    quarter, stem = submission.quarter, submission.stem
    receipt = write_judged(home, judge, submission)
    files = [lake_path(home, "discharges", quarter, stem), lake_path(home, "charges", quarter, stem)]
    seal(home, [path for path in files if path.is_file()])
    write_json(receipt.as_dict(), judged_path(home, quarter, stem))
