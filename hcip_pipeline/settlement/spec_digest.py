"""What a build is made from, part by part, and one digest over all parts. Pure: hashing files is left to an argument.

Belongs here: which facts determine a build and its release. Does not belong here: finding those facts (``period``), and
deciding what follows if one has changed (``recognition``).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts.run import LATER_PAYMENTS
from hcip_pipeline.warehouse.spec import BuildSpec, Source

#: name of a part -> sha256 of its content
Parts = dict[str, str]

POLICY, PROGRAM, MODELS = "the policy", "the program", "the models"


def built_from(
    spec: BuildSpec,
    inputs: Iterable[Mapping[str, Any]],
    *,
    policy_sha256: str,
    program_version: str,
    models_version: str,
    file_sha256: Callable[[Path], str],
) -> Parts:
    """Every part that a build and its release depend on.

    Args:
        spec: the build: windows, elections and the tables of the lake.
        inputs: files as a manifest lists them: submissions, archives, program files, protocols, reference tables and
            the manifests of earlier releases, each with its sha256.
        policy_sha256: hash of the policy's text.
        program_version: version of the code (``program_version.program_version``).
        models_version: version of the dbt project (``warehouse.project.project_digest``).
        file_sha256: hashes a file of the lake.

    Returns:
        The parts by name: ``the policy``, ``windows``, ``table discharges``, ``file hospital/2025Q1/…``.
    """
    parts = {POLICY: policy_sha256, PROGRAM: program_version, MODELS: models_version}
    parts |= {
        "windows": frame_sha256(spec.windows_frame()),
        "elections": frame_sha256(spec.elections_frame()),
        "parameters": _sha256([spec.name, spec.kind, spec.dbt_vars()]),
    }
    parts |= {
        f"table {name}": _source_sha256(source, file_sha256)
        for name, source in spec.sources.items()
        if name != LATER_PAYMENTS.name  # payments of a later period do not make this one stale: see ``recognition``
    }
    return parts | {f"file {item['file']}": str(item["sha256"]) for item in inputs}


def digest_of(parts: Mapping[str, str]) -> str:
    """One sha256 over all parts, in any order."""
    return _sha256(dict(parts))


def changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Sorted names of the parts that differ or that only one side has."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def frame_sha256(frame: pl.DataFrame) -> str:
    """sha256 over a frame's columns, types and rows."""
    stream = io.BytesIO()
    frame.write_csv(stream, null_value="\0")
    columns = json.dumps([(name, str(dtype)) for name, dtype in frame.schema.items()])
    return hashlib.sha256(columns.encode() + stream.getvalue()).hexdigest()


def _source_sha256(source: Source, file_sha256: Callable[[Path], str]) -> str:
    if isinstance(source, pl.DataFrame):
        return frame_sha256(source)
    return _sha256([file_sha256(path) for path in source])


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
