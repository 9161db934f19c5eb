"""Ingesting implementation protocols: ``<inbox>/protocols/<ccn>/<year>.yaml`` to the lake.

Belongs here: which file of a hospital is in force in a period, its versions, and the protocol tables of the lake.
Does not belong here: what a protocol may contain and must satisfy (``policy.protocol``, ``policy.protocol_checks``).

Lake: ``lake/protocols/<ccn>/<year>.r<n>.yaml`` every version that was ever accepted, byte for byte;
``lake/program/period=<p>/{protocols,conditions,…}.parquet`` the versions in force in a period.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_bytes, write_json
from hcip_pipeline.files.received import YAML, NotReceivedError, read_file, sha256_of
from hcip_pipeline.files.yaml_files import load_yaml, validate_yaml
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.program.starts import kept_versions, program_starts, start_of
from hcip_pipeline.intake.protocol.lake_tables import write_protocol_tables
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.policy.protocol import Protocol
from hcip_pipeline.policy.protocol_checks import ProgramStart, check_protocol, conditions_changed
from hcip_pipeline.reference.tables import known_hospitals
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import is_left_alone, shown_path


@dataclass(frozen=True)
class ProtocolFile:
    """A hospital's protocol file in force in a period.

    Attributes:
        ccn, year: the hospital, and the year of the file: the newest not after the period's.
        protocol: None if the file is refused and no earlier version was accepted.
        problems: every breach of the program's rules; a refusal is one of them.
        file: the file in the inbox.
        sha256: of the file whose protocol is in force; of the refused one if none is.
        version: of the protocol in force, numbered from 1 in order of arrival; 0 before it is in the lake.
    """

    ccn: str
    year: int
    protocol: Protocol | None
    problems: tuple[Problem, ...]
    file: Path
    sha256: str
    version: int = 0

    @property
    def is_refused(self) -> bool:
        """Whether the file in the inbox is refused; an earlier version may still be in force."""
        return any(problem.rule == "PROTOCOL-REFUSED" for problem in self.problems)


def load_protocols(
    inbox: Path,
    period: PerformancePeriod,
    policy: Policy | None = None,
    meetings: pl.DataFrame | None = None,
    starts: Mapping[str, ProgramStart] | None = None,
) -> list[ProtocolFile]:
    """Each hospital's protocol in force in a period, with its problems, in order of CCN.

    Args:
        inbox: the inbox folder.
        period: the performance period.
        policy: the region's policy, against which elections are checked.
        meetings: the period's ``committee_meetings``; None if nothing is known about meetings.
        starts: when each hospital's program began; None to take it from the protocols in the inbox.

    Raises:
        HcipError: the table of hospitals in the inbox is refused. A refused protocol is a problem of its hospital.
    """
    hospitals = set(known_hospitals(inbox))
    held = _meetings_by_hospital(meetings)
    loaded = []
    for ccn, files in _protocol_files(inbox).items():
        usable = [year for year in files if year <= period.year]
        if not usable:
            continue
        file = files[max(usable)]
        try:
            protocol = read_protocol(file, ccn, hospitals, inbox)
        except HcipError as error:
            # Without the path: nothing in a release may depend on the location of the home.
            where = f"line {error.row}: " if error.row is not None else ""
            problem = Problem("PROTOCOL-REFUSED", f"{where}{error.message} ({error.fix})", column=file.name)
            loaded.append(ProtocolFile(ccn, max(usable), None, (problem,), file, _sha256(file)))
            continue
        start = starts.get(ccn) if starts is not None else start_of(_named(files, max(usable), ccn, hospitals, inbox))
        problems = check_protocol(protocol, period, policy, None if held is None else held.get(ccn, []), start)
        loaded.append(ProtocolFile(ccn, max(usable), protocol, tuple(problems), file, _sha256(file)))
    return loaded


def conditions_in_force(inbox: Path, period: PerformancePeriod, policy: Policy | None = None) -> set[tuple[str, str]]:
    """Pairs of CCN and condition id of the protocols in force in a period. Raises as :func:`load_protocols`."""
    return {
        (file.ccn, condition.id)
        for file in load_protocols(inbox, period, policy)
        if file.protocol is not None
        for condition in file.protocol.conditions_of_payment
    }


def read_protocol(file: Path, ccn: str, hospitals: set[str], within: Path | None = None) -> Protocol:
    """One protocol file of a hospital.

    Args:
        within: the folder that no link may lead out of (the inbox).

    Raises:
        HcipError: the file is a link, too large or not YAML, has a key or value that a protocol cannot have or another
            hospital's CCN, or the hospital is not known.
    """
    content = load_yaml(file, "implementation protocol", within=within, links=False)
    protocol = validate_yaml(Protocol, content, file, "implementation protocol")
    if protocol.hospital.ccn != ccn:
        message = f"hospital.ccn is {protocol.hospital.ccn}, but the folder is {ccn}"
        raise HcipError(message, file=file, fix="put the file into its hospital's folder, or correct the CCN")
    if ccn not in hospitals:
        raise HcipError(f"{ccn} is not in the table of hospitals", file=file, fix="add it to reference/hospitals.csv")
    return protocol


def write_lake_protocols(home: Home, period: PerformancePeriod, policy: Policy) -> list[ProtocolFile]:
    """Write the protocols in force in a period to the lake, and return them.

    Run it after :func:`~hcip_pipeline.intake.program.ingest.ingest_program`, whose ``committee_meetings`` it reads.
    Tables: ``contracts.protocol``. A refused file leaves the earlier version in force.

    Raises:
        HcipError: as :func:`load_protocols`.
    """
    lake = home.lake_program(period)
    meetings_file = lake / "committee_meetings.parquet"
    meetings = pl.read_parquet(meetings_file) if meetings_file.exists() else None
    hospitals = set(known_hospitals(home.inbox))
    held = _meetings_by_hospital(meetings) or {}
    _keep_versions(home, period, hospitals)
    starts = program_starts(home, period)
    files = [
        _with_version(file, home.lake / "protocols", period, policy, held.get(file.ccn, []), hospitals, starts)
        for file in load_protocols(home.inbox, period, policy, meetings, starts)
    ]
    write_protocol_tables(files, period, policy, {ccn: len(set(days)) for ccn, days in held.items()}, starts, lake)
    receipt = {
        "protocols": [_receipt(file) for file in files],
        "unknown_files": unknown_protocol_files(home.inbox),
    }
    write_json(receipt, lake / "receipts" / "protocols.json")
    return files


def unknown_protocol_files(inbox: Path) -> list[str]:
    """Files in ``<inbox>/protocols/`` that are not named ``<ccn>/<year>.yaml``, except hidden ones."""
    folder = inbox / "protocols"
    if not folder.is_dir():
        return []
    known = {file for files in _protocol_files(inbox).values() for file in files.values()}
    found = [entry for entry in folder.rglob("*") if not is_left_alone(entry.name)]
    unknown = [entry for entry in found if entry not in known and not entry.is_dir()]
    return sorted(shown_path(entry.relative_to(folder).as_posix()) for entry in unknown)


def _receipt(file: ProtocolFile) -> dict[str, object]:
    """The outcome for one file; ``sha256`` is the inbox file's, ``sha256_in_force`` that of the version in force."""
    return {
        "hospital_ccn": file.ccn,
        "file": f"protocols/{file.ccn}/{file.year}.yaml",
        "status": "refused" if file.is_refused else "accepted",
        "sha256": _sha256(file.file),
        "in_force": file.version,
        "sha256_in_force": file.sha256 if file.protocol else "",
        "problems": [problem.as_dict() for problem in file.problems],
    }


def _with_version(
    file: ProtocolFile,
    lake: Path,
    period: PerformancePeriod,
    policy: Policy,
    held: Sequence[dt.date],
    hospitals: set[str],
    starts: Mapping[str, ProgramStart],
) -> ProtocolFile:
    """The file with its version; a refused one is replaced by the last accepted version."""
    versions = kept_versions(lake / file.ccn, file.year)
    newest = max(versions, default=0)
    if file.protocol is None:
        if not newest:
            return file
        protocol = read_protocol(versions[newest], file.ccn, hospitals)
        problems = (*file.problems, *check_protocol(protocol, period, policy, held, starts[file.ccn]))
        return replace(file, protocol=protocol, problems=problems, sha256=_sha256(versions[newest]), version=newest)
    changed: list[Problem] = []
    if newest > 1:
        # The first version under this approval is what the committee approved.
        same_day = (read_protocol(versions[n], file.ccn, hospitals) for n in sorted(versions) if n < newest)
        first = next((p for p in same_day if p.approved_on == file.protocol.approved_on), None)
        changed = conditions_changed(file.protocol, first) if first else []
    return replace(file, problems=(*file.problems, *changed), version=newest)


def _keep_versions(home: Home, period: PerformancePeriod, hospitals: set[str]) -> None:
    """Store new versions of each year's protocol up to the period's; the first one shows when the program began."""
    for ccn, files in _protocol_files(home.inbox).items():
        folder = home.lake / "protocols" / ccn
        for year, file in files.items():
            versions = kept_versions(folder, year)
            newest = max(versions, default=0)
            is_new = year <= period.year and (not newest or _sha256(versions[newest]) != _sha256(file))
            if is_new and _readable(file, ccn, hospitals, home.inbox):
                write_bytes(read_file(file, YAML), folder / f"{year}.r{newest + 1}.yaml")


def _protocol_files(inbox: Path) -> dict[str, dict[int, Path]]:
    """CCN → year → file, by the names of folders and files."""
    folder = inbox / "protocols"
    found: dict[str, dict[int, Path]] = {}
    for file in sorted(folder.glob("*/*.yaml")) if folder.is_dir() else ():
        if re.fullmatch(r"[0-9A-Z]{6}", file.parent.name) and re.fullmatch(r"[0-9]{4}", file.stem):
            found.setdefault(file.parent.name, {})[int(file.stem)] = file
    return found


def _named(files: Mapping[int, Path], last: int, ccn: str, hospitals: set[str], inbox: Path) -> list[str]:
    """The first performance period that each year's file names, up to the year ``last``."""
    accepted = (_readable(files[year], ccn, hospitals, inbox) for year in sorted(files) if year <= last)
    return [protocol.first_performance_period for protocol in accepted if protocol is not None]


def _readable(file: Path, ccn: str, hospitals: set[str], inbox: Path) -> Protocol | None:
    try:
        return read_protocol(file, ccn, hospitals, inbox)
    except HcipError:
        return None  # a refused file does not count


def _meetings_by_hospital(meetings: pl.DataFrame | None) -> dict[str, list[dt.date]] | None:
    if meetings is None:
        return None
    days = meetings.group_by("hospital_ccn", maintain_order=True).agg("met_on")
    return dict(zip(days.get_column("hospital_ccn"), days.get_column("met_on").to_list(), strict=True))


def _sha256(file: Path) -> str:
    """The file's hash; blank if it cannot be opened."""
    try:
        return sha256_of(file, YAML, links=False)
    except NotReceivedError:
        return ""
