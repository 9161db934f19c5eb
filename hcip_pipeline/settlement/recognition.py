"""Whether a half-year would give the same result as its newest release, by hashes, without building anything (§15).

Belongs here: the record of a run, and comparing it with the current inbox, lake and program. Does not belong here: what
a build depends on (``spec_digest``), and the inbox's contents (``inbox_contents``).

A run is recorded in ``warehouse/last_runs/<period>.json``; without that file the next run rebuilds the period.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_json
from hcip_pipeline.files.hashes import FileHashes
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile, load_policy
from hcip_pipeline.program_version import program_version
from hcip_pipeline.release.manifest import manifest_sha256
from hcip_pipeline.release.reading import ReleaseFiles, releases_of, waits_for_later
from hcip_pipeline.release.rests_on import resting_on
from hcip_pipeline.settlement.inbox_changes import Changed, changed_files, not_ingested
from hcip_pipeline.settlement.inbox_contents import Contents, changes, inbox_contents
from hcip_pipeline.settlement.period import built_from_now
from hcip_pipeline.settlement.spec_digest import Parts, changed_parts, digest_of
from hcip_pipeline.tables.file_names import shown_path
from hcip_pipeline.warehouse.project import project_digest

_VERSION = 2


@dataclass(frozen=True)
class Outlook:
    """What a run of a period would do, determined before it ingests anything.

    Attributes:
        unchanged: the newest release, if a run would give the same result.
        reasons: why the period must be built; empty if it need not be.
        contents: the current contents of the inbox; None if they could not be read.
        changed_since: files of the inbox that changed after they were accepted.
    """

    period: PerformancePeriod
    unchanged: Path | None
    reasons: tuple[str, ...]
    contents: Contents | None = None
    hashes: FileHashes | None = None
    changed_since: tuple[Changed, ...] = ()


def outlook(home: Home, period: PerformancePeriod, policy_path: Path | None = None) -> Outlook:
    """Compare the current inputs of ``period`` with those of its newest release.

    Writes nothing. Anything unreadable counts as changed, and the run that follows reports what is wrong with it.
    """
    record = _read(home, period)
    hashes = FileHashes(record.get("hashes"))
    contents: Contents | None = None
    try:
        policy = load_policy(policy_path or home.policy)
        contents = inbox_contents(home, period, policy.policy, hashes)
        releases = releases_of(home, period)
        if not releases:
            return Outlook(period, None, ("it has no release",), contents, hashes)
        reasons = _reasons(home, period, policy, releases[-1], record, contents, hashes)
        changed = changed_files(home, contents) if reasons else _recorded_changes(record)
    except (HcipError, OSError, ValueError, LookupError, pl.exceptions.PolarsError) as error:
        return Outlook(period, None, (f"its inputs cannot be read: {_why(error)}",), contents, hashes)
    return Outlook(period, None if reasons else releases[-1], tuple(reasons), contents, hashes, tuple(changed))


def changed_at_last_run(home: Home, period: PerformancePeriod) -> list[Changed]:
    """Files of the inbox that the last run of ``period`` found changed after they were accepted."""
    return _recorded_changes(_read(home, period))


def _recorded_changes(record: dict[str, Any]) -> list[Changed]:
    return [Changed(each["file"], each["what"], each["fix"]) for each in record.get("changed_since_taken_in", ())]


def _why(error: Exception) -> str:
    if isinstance(error, HcipError):
        return error.message
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {shown_path(Path(str(error.filename)).name)}"
    return str(error).partition("\n")[0]


def _reasons(
    home: Home,
    period: PerformancePeriod,
    policy: PolicyFile,
    newest: Path,
    record: dict[str, Any],
    contents: Contents,
    hashes: FileHashes,
) -> list[str]:
    if not record:
        return ["there is no record of an earlier run"]
    if (newest.name, manifest_sha256(newest)) != (record["release"], record["manifest_sha256"]):
        return [f"{newest.name} is not the release that the last run made"]
    reasons = [f"inbox/{change}" for change in changes(record["inbox"], contents)]
    if policy.sha256 != record["built_from"]["the policy"]:
        reasons.append("the policy changed")
    if program_version() != record["built_from"]["the program"]:
        reasons.append("the program changed")
    if project_digest() != record["built_from"]["the models"]:
        reasons.append("the models changed")
    reasons += _later_settlements(home, newest)
    if reasons:
        return reasons
    now = built_from_now(home, period, policy, hashes.sha256)
    if now is None:
        return ["the norm table of its base year is missing"]
    changed = changed_parts(record["built_from"], now)
    if not changed and digest_of(now) != record["digest"]:
        return ["the record of its last run was changed"]
    return [_explain_change(part, record["built_from"], now) for part in changed]


def _later_settlements(home: Home, newest: Path) -> Iterator[str]:
    """Later half-years that a release's payments wait for and that were settled again after it was made."""
    release = ReleaseFiles.at(newest)
    if not waits_for_later(newest):
        return
    known = {each["period"]: each["manifest_sha256"] for each in release.manifest.get("makes_stale", ())}
    for later in resting_on(home, release.period):
        if later.period.startswith(f"{release.period.year}H") and known.get(later.period) != later.manifest_sha256:
            yield f"payments wait for {later.period}, which was settled again as {later.release}"


def _explain_change(part: str, before: Parts, now: Parts) -> str:
    name = part.removeprefix("file ")
    if part not in before:
        return f"{name} is new"
    return f"{name} is gone" if part not in now else f"{name} changed"


def record_run(home: Home, seen: Outlook, release: Path, parts: Parts) -> None:
    """Record a run's inputs, so that the next run can determine whether anything changed.

    Args:
        seen: the outlook from before the run; files that arrived later count as changed.
        release: the release that the run made, or found to have the same contents.
        parts: what the build was made from (``PeriodBuild.built_from``).
    """
    if seen.contents is None or seen.hashes is None:
        return
    try:
        changed = changed_files(home, seen.contents)
    except (HcipError, OSError):
        return  # the next run builds again and reports what cannot be read
    record = {
        "version": _VERSION,
        "release": release.name,
        "manifest_sha256": manifest_sha256(release),
        "digest": digest_of(parts),
        "built_from": parts,
        "inbox": seen.contents,
        "changed_since_taken_in": [each.as_dict() for each in changed],
        "hashes": seen.hashes.as_dict(),
    }
    write_json(record, _path(home, seen.period))


def save_inbox_contents(home: Home, period: PerformancePeriod, policy: PolicyFile) -> None:
    """Save the inbox's contents before a run ingests program files, for ``saved_outlook`` at its end."""
    hashes = FileHashes(_read(home, period).get("hashes"))
    contents = inbox_contents(home, period, policy.policy, hashes)
    write_json({"version": _VERSION, "inbox": contents, "hashes": hashes.as_dict()}, _look_path(home, period))


def saved_outlook(home: Home, period: PerformancePeriod) -> Outlook | None:
    """What ``save_inbox_contents`` saved; None if some of it is not in the lake, and the next run must ingest it."""
    try:
        saved: dict[str, Any] = json.loads(_look_path(home, period).read_text(encoding="utf-8"))
        if saved["version"] != _VERSION or not_ingested(home, saved["inbox"]):
            return None
        return Outlook(period, None, (), saved["inbox"], FileHashes(saved["hashes"]))
    except (HcipError, OSError, ValueError, LookupError, TypeError):
        return None


def _path(home: Home, period: PerformancePeriod) -> Path:
    return home.warehouse / "last_runs" / f"{period}.json"


def _look_path(home: Home, period: PerformancePeriod) -> Path:
    return home.warehouse / "last_runs" / f"{period}.look.json"


def _read(home: Home, period: PerformancePeriod) -> dict[str, Any]:
    """The record of the last run; empty if there is none."""
    try:
        record: dict[str, Any] = json.loads(_path(home, period).read_text(encoding="utf-8"))
        return record if record.get("version") == _VERSION else {}
    except (OSError, ValueError, AttributeError):
        return {}
