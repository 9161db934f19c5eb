"""``build.json`` of a half-year's build: its inputs, its tables, and the result of each model and check.

Belongs here: the record, written at the end of a build, and whether it is still the build of today's lake and policy.
Does not belong here: building (``period``), releasing (``publishing.writer``).

Another process can release from the record; no part of a build has to stay in memory.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_bytes
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.release.notes import Note
from hcip_pipeline.settlement.norm_tables import frozen_norm_table
from hcip_pipeline.settlement.period import PeriodBuild, built_from_now, period_spec
from hcip_pipeline.settlement.spec_digest import Parts, changed_parts, digest_of
from hcip_pipeline.warehouse.build import FILE_NAME, BuildResult, NodeResult, fingerprints

_VERSION = 3


def record_path(home: Home, period: PerformancePeriod) -> Path:
    """``warehouse/<period>/build.json``."""
    return home.warehouse / str(period) / "build.json"


def forget_build(home: Home, period: PerformancePeriod) -> None:
    """Remove the record before a build begins, so that a build that stops midway leaves none."""
    record_path(home, period).unlink(missing_ok=True)


def write_build_record(home: Home, period: PerformancePeriod, built: PeriodBuild) -> Path:
    """Write the record of a finished build."""
    path = record_path(home, period)
    record = {
        "version": _VERSION,
        "period": str(period),
        "digest": digest_of(built.built_from),
        "built_from": built.built_from,
        "fingerprints": dict(built.result.fingerprints),
        "engine": built.result.engine,
        "inputs": list(built.inputs),  # a release's manifest keeps this order, also that of the keys
        "notes": [note.as_dict() for note in built.notes],
        "nodes": [asdict(node) for node in built.result.nodes],
    }
    write_bytes((json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode(), path)
    return path


def current_build(home: Home, period: PerformancePeriod, policy: PolicyFile) -> PeriodBuild:
    """The build on disk, if it is the one that today's lake and policy would give.

    Raises:
        HcipError: there is none, its inputs have changed, or a table has changed since its checks.
    """
    record = _read(home, period)
    norms = frozen_norm_table(home, policy.policy)
    if norms is None:
        raise _outdated(home, period, "the norm table of the policy's base year does not exist")
    spec = period_spec(home, period, policy.policy, norms)
    now = built_from_now(home, period, policy) or {}
    changed = changed_parts(record["built_from"], now)
    if changed:
        raise _outdated(home, period, f"these changed since it was built: {', '.join(changed[:5])}")
    file = home.warehouse / str(period) / FILE_NAME
    tables = fingerprints(file) if file.is_file() else {}
    differing = sorted(name for name, print_ in record["fingerprints"].items() if tables.get(name) != print_)
    if differing:
        raise _outdated(home, period, f"these tables changed since its checks: {', '.join(differing[:5])}")
    nodes = tuple(NodeResult(**node) for node in record["nodes"])
    result = BuildResult(spec, file, nodes, record["fingerprints"], record.get("engine", "duckdb"))
    return PeriodBuild(result, tuple(record["inputs"]), tuple(map(Note.from_dict, record["notes"])), now)


def recorded_parts(home: Home, period: PerformancePeriod) -> Parts:
    """What the build on disk was made from (``spec_digest.built_from``). Raises HcipError if there is none."""
    return dict(_read(home, period)["built_from"])


def _read(home: Home, period: PerformancePeriod) -> dict[str, Any]:
    path = record_path(home, period)
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _outdated(home, period, "there is no finished build") from None
    except ValueError:
        raise _outdated(home, period, "its build.json cannot be read") from None
    if record.get("version") != _VERSION:
        raise _outdated(home, period, "it was built by another version of the program")
    return record


def _outdated(home: Home, period: PerformancePeriod, why: str) -> HcipError:
    return HcipError(
        f"run the job settlement for {period} (`hcip run {period}`), because its build cannot be released: {why}",
        file=record_path(home, period),
        rule="RELEASE-GATE",
        fix=f"run the job `settlement` for {period}, which rebuilds, checks and releases it",
    )
