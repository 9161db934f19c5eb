"""Ingesting the program files of a period: ``<inbox>/program/<period>/*.csv`` to the lake, with receipts.

Belongs here: which version of a file is in force, and the receipt of each. Does not belong here: what a row must
satisfy (``contracts.program``, ``edits``).

Lake, ``lake/program/period=<p>/``: ``<table>.parquet`` the version in force, ``history/<table>.r<n>.parquet`` every
accepted version, ``receipts/<table>.r<n>.json`` every version that ever arrived. A refused file leaves the earlier
version in force.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.program import READ_LATER, TABLES
from hcip_pipeline.contracts.survey import parse_form_name
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError, ProgramRefusedError
from hcip_pipeline.files.atomic import write_json, write_parquet
from hcip_pipeline.files.received import TABLE, NotReceivedError, sha256_of
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.program.edits import program_rules
from hcip_pipeline.intake.program.receipts import ProgramReceipt, numbered, receipts_of
from hcip_pipeline.intake.survey.ingest import ingest_surveys
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference.tables import known_hospitals
from hcip_pipeline.tables.contract_columns import RowRule, check_contract_table
from hcip_pipeline.tables.file_names import is_left_alone, shown_path
from hcip_pipeline.tables.refusals import TableRefusedError
from hcip_pipeline.tables.table_shapes import find_table, table_of
from hcip_pipeline.tables.tabular import LINE, read_text_table


@dataclass(frozen=True)
class ProgramIntake:
    """The outcome for a period's program files; ``unknown_files`` were found but not read."""

    period: PerformancePeriod
    receipts: tuple[ProgramReceipt, ...]
    unknown_files: tuple[str, ...]

    @property
    def refused(self) -> tuple[ProgramReceipt, ...]:
        """Files that were refused."""
        return tuple(receipt for receipt in self.receipts if receipt.status == "refused")

    def require_in_force(self) -> None:
        """Raise if a refused file leaves nothing in force, because the settlement would silently lack it.

        Raises:
            ProgramRefusedError: for the refused files without an accepted version, with their first problems.
        """
        lacking = [receipt for receipt in self.refused if not receipt.in_force]
        if lacking:
            refused = [f"{r.file}: {'; '.join(map(str, r.problems[:3]))}" for r in lacking]
            raise ProgramRefusedError(
                f"program files of {self.period} are refused and no earlier version is in force: "
                "" + " | ".join(refused),
                fix="correct the files and ingest again; their receipts list every problem",
                rule="PROGRAM-FILE-REFUSED",
            )


def ingest_read_later(home: Home, period: PerformancePeriod) -> list[ProgramIntake]:
    """Ingest the files that ``period`` reads from the program folders of earlier periods.

    Sums to date must not depend on the commands that were run earlier.

    Raises:
        HcipError: one of these files is refused, and no earlier version is in force.
    """
    hospitals = known_hospitals(home.inbox)
    ingested = []
    for earlier in read_later_periods(home.inbox, period):
        receipts = tuple(
            _ingest(
                home.inbox / "program" / str(earlier),
                table,
                earlier,
                program_rules(table, earlier, hospitals),
                home.lake_program(earlier),
                home.inbox,
            )
            for table in (TABLES[read_later] for read_later in READ_LATER)
        )
        ingested.append(ProgramIntake(earlier, receipts, ()))
        ingested[-1].require_in_force()
    return ingested


def ingest_program(
    home: Home, period: PerformancePeriod, conditions: Collection[tuple[str, str]] | None = None
) -> ProgramIntake:
    """Judge every program file of a period and put the accepted ones into the lake.

    Args:
        home: the home folder.
        period: the period.
        conditions: pairs of CCN and condition id of the protocols in force, to warn about results for other conditions.

    Raises:
        HcipError: the table of hospitals in the inbox is itself refused. A refused program file does not raise: see
            :meth:`ProgramIntake.require_in_force`.
    """
    inbox = home.inbox / "program" / str(period)
    lake = home.lake_program(period)
    hospitals = known_hospitals(home.inbox)
    receipts = []
    for table in TABLES.values():
        rules = program_rules(table, period, hospitals, conditions)
        receipts.append(_ingest(inbox, table, period, rules, lake, home.inbox))
    receipts += ingest_surveys(inbox, period, lake, hospitals, conditions)
    return ProgramIntake(period, tuple(receipts), _unknown_files(inbox, period))


def _ingest(
    folder: Path, table: Table, period: PerformancePeriod, rules: tuple[RowRule, ...], lake: Path, within: Path
) -> ProgramReceipt:
    earlier = receipts_of(table.name, lake)
    frame: pl.DataFrame | None = None
    path = folder / f"{table.name}.csv"
    twice: TableRefusedError | None = None
    try:
        path = find_table(folder, table.name)
    except TableRefusedError as error:
        twice = error
    if twice is not None:
        refused = ProgramReceipt(table.name, str(period), Path(twice.file).name, "refused")
        receipt = numbered(_with_problems(refused, twice), earlier)
    elif path.exists() or path.is_symlink():
        receipt, frame = judge_program_file(path, table, period, rules, within)
        receipt = numbered(receipt, earlier)
    else:
        receipt = ProgramReceipt(table.name, str(period), path.name, "absent")

    accepted = [old["version"] for old in earlier if old["status"] == "accepted"]
    if frame is not None:
        write_parquet(frame, _history(table.name, receipt.version, lake))
        in_force = receipt.version
    elif accepted:
        in_force = max(accepted)
        frame = pl.read_parquet(_history(table.name, in_force, lake))
    else:
        in_force, frame = 0, pl.DataFrame(schema=table.schema)
    receipt = replace(receipt, in_force=in_force, rows_in_force=frame.height)
    if receipt.version:
        write_json(receipt.as_dict(), lake / "receipts" / f"{table.name}.r{receipt.version}.json")
    write_parquet(frame, lake / f"{table.name}.parquet")
    return receipt


def judge_program_file(
    path: Path, table: Table, period: PerformancePeriod, rules: tuple[RowRule, ...], within: Path | None = None
) -> tuple[ProgramReceipt, pl.DataFrame | None]:
    """The receipt of one file, not yet numbered, and its rows in key order, or None if it is refused.

    Args:
        within: the folder that no link may lead out of (the inbox).
    """
    receipt = ProgramReceipt(table.name, str(period), path.name, "refused", sha256=_sha256(path), bytes=_size(path))
    try:
        text = read_text_table(path, within)
        receipt = replace(receipt, rows=text.frame.height, blank_rows=text.blank_rows)
        checked = check_contract_table(text, path, table, rules)
    except TableRefusedError as error:
        return _with_problems(receipt, error), None
    frame = checked.frame.drop(LINE).sort(table.key)
    return replace(
        receipt,
        status="accepted",
        ignored_columns=checked.ignored_columns,
        times_as_given=_times_as_given(frame),
        rules_broken=dict(sorted(checked.warning_counts.items())),
        problems=checked.warnings,
    ), frame


def _with_problems(receipt: ProgramReceipt, error: TableRefusedError) -> ProgramReceipt:
    return replace(
        receipt,
        rules_broken=dict(sorted(error.counts.items())),
        problems=error.problems,
    )


def read_program_file(
    path: Path,
    period: PerformancePeriod,
    inbox: Path | None = None,
    conditions: Collection[tuple[str, str]] | None = None,
) -> tuple[ProgramReceipt, pl.DataFrame | None]:
    """Judge one program file by the intake's rules, without a home.

    Args:
        path: the file, named after its table.
        period: the period it reports on.
        inbox: the folder whose table of hospitals replaces the shipped one, and that no link may lead out of.
        conditions: as for :func:`ingest_program`.

    Returns:
        The receipt, and the rows, or None if the file is refused.

    Raises:
        HcipError: the file's name is not a program table's, or the table of hospitals is refused.
    """
    name = table_of(path.name, tuple(TABLES))
    if name is None:
        raise HcipError(
            "is not a program file", file=path, fix=f"name it {', '.join(f'{name}.csv' for name in TABLES)}"
        )
    table = TABLES[name]
    rules = program_rules(table, period, known_hospitals(inbox), conditions)
    return judge_program_file(path, table, period, rules, inbox)


def read_later_periods(inbox: Path, period: PerformancePeriod) -> list[PerformancePeriod]:
    """Half-years before ``period`` for which the inbox has a program folder."""
    named = [name for name in program_periods(inbox) if re.fullmatch(r"[0-9]{4}H[12]", name)]
    return [earlier for earlier in map(PerformancePeriod.parse, named) if earlier < period]


def program_periods(inbox: Path) -> list[str]:
    """Names of the folders in ``<inbox>/program/``, in order."""
    folder = inbox / "program"
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def _history(name: str, version: int, lake: Path) -> Path:
    return lake / "history" / f"{name}.r{version}.parquet"


def _times_as_given(frame: pl.DataFrame) -> dict[str, list[str]]:
    times = {}
    for name, dtype in frame.schema.items():
        days = frame.get_column(name).drop_nulls() if dtype == pl.Date else None
        if days is not None and days.len():
            times[name] = [str(days.min()), str(days.max())]
    return times


def _sha256(path: Path) -> str:
    """The file's hash; blank if it cannot be opened."""
    try:
        return sha256_of(path, TABLE, links=False)
    except NotReceivedError:
        return ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() and not path.is_symlink() else 0


def _unknown_files(folder: Path, period: PerformancePeriod) -> tuple[str, ...]:
    """Files in the folder that are neither program files nor surveys of its period, with the name that may be meant."""
    if not folder.is_dir():
        return ()
    known = [f"{name}.csv" for name in TABLES]
    present = [path.name for path in folder.iterdir() if not is_left_alone(path.name)]
    surveys = [name for name in present if (parse_form_name(name) or ("", ""))[1] == str(period)]
    unknown = sorted({name for name in present if table_of(name, tuple(TABLES)) is None} - set(surveys))
    named = []
    for name in unknown:
        close = difflib.get_close_matches(name.lower(), known, n=1)
        named.append(f"{shown_path(name)} (perhaps {close[0]}?)" if close else shown_path(name))
    return tuple(named)
