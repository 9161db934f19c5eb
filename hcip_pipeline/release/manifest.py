"""``datapackage.json``: the contents and the inputs of a release, readable by any Frictionless tool."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline import __version__
from hcip_pipeline.contracts.disclosure import RULE
from hcip_pipeline.contracts.table import TYPES, Column
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.files.merkle import merkle_root
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.release.documents import WrittenDocument
from hcip_pipeline.release.layouts import AUDIENCES, MANIFEST
from hcip_pipeline.release.notes import Note
from hcip_pipeline.release.tables import WrittenFile

FILE_NAME = MANIFEST


def _field(column: Column, blank: Collection[str] = ()) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": TYPES[column.type][1], "description": column.meaning}
    constraints: dict[str, Any] = {}
    if not column.nullable and column.name not in blank:  # CSV has no difference between blank text and an empty cell
        constraints["required"] = True
    if column.allowed:
        constraints["enum"] = list(column.allowed)
    return field | ({"constraints": constraints} if constraints else {})


def _resource(file: WrittenFile, parquet: WrittenFile, root: Path) -> dict[str, Any]:
    """A table: its CSV file as the resource that any tool can read, with its Parquet twin."""
    path = file.path.relative_to(root).as_posix()
    return {
        "name": _resource_name(path.removesuffix(".csv")),
        "profile": "tabular-data-resource",
        "path": path,
        "audience": AUDIENCES[path.split("/")[0]],
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
        "parquet": {
            "path": parquet.path.relative_to(root).as_posix(),
            "bytes": parquet.bytes,
            "hash": f"sha256:{parquet.sha256}",
        },
        "rows": file.rows,
        "totals": file.totals,
        "schema": {
            "fields": [_field(column, file.blank) for column in file.table.columns],
            "primaryKey": list(file.table.key),
            "missingValues": [""],
        },
    }


def _document(document: WrittenDocument) -> dict[str, Any]:
    """A page, workbook or form: a resource without a schema."""
    return {
        "name": _resource_name(document.path),
        "profile": "data-resource",
        "type": "file",  # otherwise a Frictionless reader would treat a workbook as a table and validate its cells
        "path": document.path,
        "audience": document.audience,
        "format": document.path.rsplit(".", 1)[-1],
        "mediatype": document.mediatype,
        "bytes": document.bytes,
        "hash": f"sha256:{document.sha256}",
    }


def _resource_name(path: str) -> str:
    return path.lower().replace("/", "-").replace("_", "-")


@dataclass(frozen=True)
class Origin:
    """The origin of a release: everything in its manifest besides its files.

    Attributes:
        release: its name, ``2025H1_r1``.
        inputs: every file that was read, with its hash.
        supersedes: sha256 of the previous release's manifest; None for a first release.
        rests_on: the earlier periods' releases that were read (``rests_on.Named``).
        makes_stale: the later periods' releases that were made without this one.
        engine: the engine that computed the tables; in the manifest only if it is not DuckDB.
        rates: the tables of rates in force, with their sources, and whether each is a shipped default.
        is_synthetic: whether the data are invented; in the manifest only if they are.
        signed_by: the signer's identity; None if the release is not signed.
        stamped_by: host of the time stamp service; in the manifest only if there is one.
    """

    release: str
    policy: PolicyFile
    inputs: Sequence[dict[str, Any]]
    grouper_versions: Sequence[str]
    supersedes: str | None
    rests_on: Sequence[dict[str, str]] = ()
    makes_stale: Sequence[dict[str, str]] = ()
    engine: str = "duckdb"
    rates: Sequence[Mapping[str, Any]] = ()
    is_synthetic: bool = False
    signed_by: str | None = None
    stamped_by: str | None = None


def manifest(
    origin: Origin,
    root: Path,
    files: Sequence[WrittenFile],
    documents: Sequence[WrittenDocument] = (),
    notes: Sequence[Note] = (),
) -> dict[str, Any]:
    """The manifest of the release in ``root``; it does not depend on the clock or the machine."""
    twins = {file.path: file for file in files}
    policy = origin.policy
    return {
        "profile": "data-package",
        "name": f"hcip-{origin.release.lower().replace('_', '-')}",
        "title": f"HCIP settlement {origin.release.replace('_', ' ')}",
        "version": origin.release.rsplit("_r", 1)[-1],
        "code_version": __version__,
        **({} if origin.engine == "duckdb" else {"engine": origin.engine}),
        "policy": {"version": policy.policy.version, "sha256": policy.sha256, "text": policy.text},
        "privacy": {"rule": RULE, "small_cell_threshold": policy.policy.small_cell_threshold},
        "grouper_versions": sorted(origin.grouper_versions),
        "inputs": list(origin.inputs),
        "rates": list(origin.rates),
        **({"synthetic": True} if origin.is_synthetic else {}),
        "supersedes": origin.supersedes,
        "rests_on": list(origin.rests_on),
        "makes_stale": list(origin.makes_stale),
        "made_from": made_from(origin.inputs, policy, origin.supersedes),
        "signed_by": origin.signed_by,
        **({"stamped_by": origin.stamped_by} if origin.stamped_by else {}),
        "notes": [str(note) for note in notes],
        "resources": [
            _resource(file, twins[file.path.with_suffix(".parquet")], root)
            for file in sorted(files, key=lambda file: file.path)
            if file.path.suffix == ".csv"
        ]
        + [_document(document) for document in documents],
    }


def made_from(inputs: Iterable[Mapping[str, Any]], policy: PolicyFile, supersedes: str | None) -> str:
    """Merkle root over a release's inputs, policy, program version and the release it supersedes.

    It depends only on the manifest and not on the ledger, whose order of lines depends on which command ran first.
    """
    leaves = {f"input {item['file']}": str(item["sha256"]) for item in inputs}
    return merkle_root(leaves | {"policy": policy.sha256, "code": __version__, "supersedes": supersedes or ""})


def write_manifest(content: dict[str, Any], root: Path, indent: int | None = 2) -> Path:
    """Write the manifest into ``root`` and return its path."""
    path = root / FILE_NAME
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def manifest_sha256(root: Path) -> str:
    """sha256 of a release's manifest, which the next release names as ``supersedes``."""
    return file_sha256(root / FILE_NAME)
