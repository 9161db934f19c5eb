"""The preflight of the files that a program keeps (``hcip check``): program and reference tables, forms, protocols.

Belongs here: which kind of file a path is, and the intake's verdict on it. Does not belong here: any rule (the readers
of the tables, ``policy.protocol_checks``), submissions and claims, which have their own preflights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts import program, reference
from hcip_pipeline.contracts.survey import parse_form_name
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.files.yaml_files import load_yaml
from hcip_pipeline.intake.hospital.folders import CCN
from hcip_pipeline.intake.program.ingest import read_program_file
from hcip_pipeline.intake.program.receipts import ProgramReceipt
from hcip_pipeline.intake.program.starts import start_of
from hcip_pipeline.intake.protocol.ingest import conditions_in_force, read_protocol
from hcip_pipeline.intake.survey.ingest import check_survey
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.policy.protocol_checks import check_protocol
from hcip_pipeline.reference.list_check import list_of, read_list
from hcip_pipeline.reference.tables import check_reference_file, known_hospitals
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.rules.verdict import Verdict, sections_of
from hcip_pipeline.tables.file_names import is_left_alone, shown_path
from hcip_pipeline.tables.refusals import TableRefusedError
from hcip_pipeline.tables.table_shapes import find_table, table_of

_PROTOCOL = re.compile(r"([0-9]{4})\.yaml", re.ASCII)


@dataclass(frozen=True)
class FileCheck:
    """The verdict on one file.

    Attributes:
        kind: ``program``, ``reference``, ``list``, ``survey``, ``protocol`` or ``policy``.
        problems: the reasons for a refusal, and remarks.
        counts: label -> what was counted in a national list, or paid by a hospital.
    """

    kind: str
    file: str
    accepted: bool
    rows: int | None = None
    problems: tuple[Problem, ...] = ()
    counts: dict[str, int | str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """The same facts for ``--json``."""
        return asdict(self) | {"problems": [problem.as_dict() for problem in self.problems]}

    @property
    def verdict(self) -> Verdict:
        """The verdict for a reader."""
        rows = "" if self.rows is None else f", {self.rows:,} row{'s' * (self.rows != 1)}"
        counted = tuple(f"{name}: {f'{n:,}' if isinstance(n, int) else n}" for name, n in self.counts.items())
        return Verdict(f"{self.file}{rows}", self.accepted, sections_of(self.problems), counted)


def check_kept_files(path: Path, period: PerformancePeriod | None = None) -> list[FileCheck] | None:
    """Judge a file, or every file in a folder, as the intake would; None if none of them is a kept file.

    Args:
        period: the half-year that program files report on; by default the one their folder is named after.

    Raises:
        UsageError: it is unknown which half-year a program file reports on.
    """
    if not path.is_dir():
        check = _check_of(path, period)
        return None if check is None else [check()]
    files = [entry for entry in sorted(path.rglob("*")) if entry.is_file() and not is_left_alone(entry.name)]
    if path.name != "protocols":
        files = [file for file in files if file.parent == path]
    found = [(file, check) for file in files if (check := _check_of(file, period)) is not None]
    if not found:
        return None
    checked = [replace(check(), file=file.relative_to(path).as_posix()) for file, check in found]
    return checked + _unknown(set(files) - {file for file, _ in found}, path)


def _check_of(path: Path, period: PerformancePeriod | None) -> Callable[[], FileCheck] | None:
    """The check for a file, chosen by its name and its folder; None for an unknown file."""
    if parse_form_name(path.name):
        return partial(_survey, path)
    if (name := table_of(path.name, tuple(program.TABLES))) is not None:
        return partial(_program_file, path, name, period)
    if (name := table_of(path.name, tuple(reference.TABLES))) is not None:
        return partial(_reference_file, path, name)
    if (name := list_of(path)) is not None:
        return partial(_national_list, path, name)
    if path.name == "policy.yaml":
        return partial(_policy, path)
    if (match := _PROTOCOL.fullmatch(path.name)) is not None:
        return partial(_protocol, path, period or PerformancePeriod(int(match[1]), 1))
    return None


def _inbox(path: Path, folder: str) -> Path | None:
    """The inbox of a file in ``<inbox>/<folder>/<something>/``, or in ``<inbox>/reference/``."""
    parents = path.absolute().parents
    depth = 0 if folder == "reference" else 1
    return parents[depth + 1] if len(parents) > depth + 1 and parents[depth].name == folder else None


def _survey(path: Path) -> FileCheck:
    return _of_receipt("survey", check_survey(path, _inbox(path, "program")))


def _program_file(path: Path, name: str, period: PerformancePeriod | None) -> FileCheck:
    inbox = _inbox(path, "program")
    if period is None:
        try:
            period = PerformancePeriod.parse(path.absolute().parent.name)
        except UsageError:
            raise UsageError(
                "the half-year that the file reports on is unknown",
                file=path,
                fix="add --period 2025H1, or put it into a folder of that name",
            ) from None
    if problems := _twice(path, name):
        return FileCheck("program", path.name, accepted=False, problems=problems)
    conditions = conditions_in_force(inbox, period) if inbox else None
    receipt, rows = read_program_file(path, period, inbox, conditions)
    check = _of_receipt("program", receipt)
    return replace(check, counts=_paid(rows)) if name == "payments" and rows is not None else check


def _paid(payments: pl.DataFrame) -> dict[str, int | str]:
    """Total payments by hospital, as the protocol requires them to be reported."""
    counts: dict[str, int | str] = {}
    for (ccn,), rows in sorted(payments.group_by("hospital_ccn")):
        partners = rows["npi"].n_unique()
        who = f"{partners:,} care partner{'s' * (partners != 1)}"
        counts[f"paid by {ccn}"] = f"${rows['paid_amount'].sum():,.2f} to {who}"
    return counts


def _of_receipt(kind: str, receipt: ProgramReceipt) -> FileCheck:
    return FileCheck(kind, receipt.file, receipt.status == "accepted", receipt.rows, receipt.problems)


def _reference_file(path: Path, name: str) -> FileCheck:
    try:
        if problems := _twice(path, name):
            return FileCheck("reference", path.name, accepted=False, problems=problems)
        table = check_reference_file(path, name, _inbox(path, "reference"))
    except HcipError as error:
        return FileCheck("reference", path.name, accepted=False, problems=_problems(error))
    return FileCheck("reference", path.name, accepted=True, rows=table.frame.height, problems=table.warnings)


def _national_list(path: Path, name: str) -> FileCheck:
    try:
        if problems := _twice(path, name):
            return FileCheck("list", path.name, accepted=False, problems=problems)
        rows, counts = read_list(path, name, _inbox(path, "reference"))
    except HcipError as error:
        return FileCheck("list", path.name, accepted=False, problems=_problems(error))
    return FileCheck("list", path.name, accepted=True, rows=rows, counts=counts)


def _twice(path: Path, name: str) -> tuple[Problem, ...]:
    """The problem if a folder has several files of the same table; otherwise none."""
    try:
        find_table(path.parent, name)
    except TableRefusedError as error:
        return _problems(error)
    return ()


def _protocol(path: Path, period: PerformancePeriod) -> FileCheck:
    inbox = _inbox(path, "protocols")
    try:
        ccn = path.absolute().parent.name
        if not CCN.fullmatch(ccn):
            content = load_yaml(path, "implementation protocol")
            hospital = content.get("hospital") if isinstance(content, dict) else None
            ccn = str(hospital.get("ccn", "")) if isinstance(hospital, dict) else ""
        protocol = read_protocol(path, ccn, set(known_hospitals(inbox)), inbox)
        policy = load_policy(inbox / "policy.yaml").policy if inbox and (inbox / "policy.yaml").is_file() else None
    except HcipError as error:
        return FileCheck("protocol", path.name, accepted=False, problems=_problems(error))
    problems = check_protocol(protocol, period, policy, None, start_of([protocol.first_performance_period]))
    return FileCheck("protocol", path.name, accepted=True, problems=tuple(problems))


def _policy(path: Path) -> FileCheck:
    try:
        load_policy(path)
    except HcipError as error:
        return FileCheck("policy", path.name, accepted=False, problems=_problems(error))
    return FileCheck("policy", path.name, accepted=True)


def _problems(error: HcipError) -> tuple[Problem, ...]:
    return error.problems if isinstance(error, TableRefusedError) else (Problem.from_error(error),)


def _unknown(files: Iterable[Path], folder: Path) -> list[FileCheck]:
    names: Sequence[str] = sorted(shown_path(file.relative_to(folder).as_posix()) for file in files)
    problem = Problem("FILE-UNKNOWN", "the file is unknown and ignored")
    return [FileCheck("unknown", name, accepted=True, problems=(problem,)) for name in names]
