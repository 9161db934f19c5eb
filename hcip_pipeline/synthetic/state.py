"""Making a state: checks of the arguments, and an inbox and a truth folder that are either complete or absent.

Belongs here: the functions that callers use. Does not belong here: writing the files (``state_files``).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.synthetic.files import FILE_FORMATS
from hcip_pipeline.synthetic.report import SynthReport
from hcip_pipeline.synthetic.state_files import StateArguments, write_state

#: The state of ``hcip demo``: a base year, a baseline year, and the year whose two half-years are settled.
DEMO_START, DEMO_END = Quarter(2023, 1), Quarter(2025, 4)
DEMO_HOSPITALS = 4
DEMO_DISCHARGES_PER_YEAR = 8_000
#: Claims of the settled year and the year before, with three months of run-out.
DEMO_MONTHS_OF_CLAIMS = 27

#: The state of ``hcip synth --state``: all invented acute hospitals, with as many discharges as Maryland has.
STATE_HOSPITALS, STATE_DISCHARGES_PER_YEAR = 46, 700_000
STATE_MONTHS_OF_CLAIMS, STATE_BENEFICIARIES = 12, 300_000

#: The folder next to the inbox that records what was planted, and the report on the state in it.
TRUTH = "truth"
_RECORD = "state.json"
#: Raised whenever the same arguments give a different state than before.
_STATE_VERSION = 4


def generate_state(
    inbox: Path, arguments: StateArguments, progress: Callable[[str], None] | None = None
) -> SynthReport:
    """Write an inbox as inputs.md describes it, and ``truth/`` next to it: both complete, or neither.

    The same arguments give the same bytes on any machine (``csv.gz`` and ``parquet``: with the same libraries).

    Args:
        inbox: the folder to write; it must be new or empty.
        progress: called with a message after each quarter is written.

    Raises:
        UsageError: arguments that cannot be met.
        HcipError: the inbox or ``truth/`` is not empty.
    """
    _check(arguments)
    truth = inbox.parent / TRUTH
    _check_empty(inbox, truth)
    temporary = inbox.parent / f".{inbox.name}.partial"
    shutil.rmtree(temporary, ignore_errors=True)  # left by an interrupted run
    try:
        report = write_state(temporary / "inbox", temporary / TRUTH, arguments, progress)
        report = replace(report, inbox=inbox, truth=truth)
        content = {"made_with": _made_with(arguments), "report": report.as_dict()}
        (temporary / TRUTH / _RECORD).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        for source, target in ((temporary / TRUTH, truth), (temporary / "inbox", inbox)):
            if target.exists():
                target.rmdir()
            source.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return report


def demo_state(inbox: Path, seed: int, progress: Callable[[str], None] | None = None) -> SynthReport:
    """The small state of ``hcip demo``. An existing one with the same seed is left unchanged.

    Raises:
        UsageError: the seed is negative.
        HcipError: the inbox or ``truth/`` contains something else.
    """
    arguments = StateArguments(
        DEMO_HOSPITALS,
        DEMO_DISCHARGES_PER_YEAR,
        DEMO_START,
        DEMO_END,
        seed,
        first_period=PerformancePeriod(DEMO_END.year, 1),
        cms_last_months=DEMO_MONTHS_OF_CLAIMS,
    )
    record = inbox.parent / TRUTH / _RECORD
    if record.is_file() and (inbox / "policy.yaml").is_file():
        earlier = json.loads(record.read_text(encoding="utf-8"))
        if earlier["made_with"] == _made_with(arguments):
            return SynthReport.from_dict(earlier["report"], inbox, inbox.parent / TRUTH)
    return generate_state(inbox, arguments, progress)


def _made_with(arguments: StateArguments) -> dict[str, str]:
    whole = vars(arguments) | {"first_period": arguments.begins}
    recorded = {name: str(value) for name, value in whole.items()}
    if arguments.cms_shape == "cclf":
        del recorded["cms_shape"]  # as recorded by states made before this argument existed
    return {"state": str(_STATE_VERSION)} | recorded


def _check(arguments: StateArguments) -> None:
    if arguments.end < arguments.start:
        raise UsageError(f"{arguments.end} is before {arguments.start}", fix="name the first quarter first")
    if arguments.seed < 0:
        raise UsageError(f"{arguments.seed} is not a seed", fix="use a whole number, 0 or more")
    if arguments.file_format not in FILE_FORMATS:
        raise UsageError(f"'{arguments.file_format}' is not a file format", fix=f"use one of {', '.join(FILE_FORMATS)}")
    if arguments.defects and arguments.file_format in ("parquet", "x12"):
        words = f"{arguments.file_format} cannot contain the faults of text files"
        raise UsageError(words, fix="plant defects in csv or csv.gz")


def _check_empty(*folders: Path) -> None:
    for folder in folders:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise HcipError(
                "the folder is not empty, and nothing is overwritten",
                file=folder,
                fix="name a new inbox, or remove the inbox and the truth folder next to it",
            )
