"""Consistent forgeries: releases with one changed model, or with one changed cell and a manifest that agrees.

Belongs here: making a release from a changed model, or changing a release's file together with its manifest.
Does not belong here: what is changed, and whether it is noticed; computing changed models (``settlement_models``).
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hcip_pipeline.contracts.marts import MARTS
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.release.layouts import LAYOUTS, MANIFEST, FileLayout, folder_of
from hcip_pipeline.release.tables import write_csv
from hcip_pipeline.release.verification.tables import neutralized
from tests.settlement_models import Bench, Mutant

#: folders of marts that a bench computes
_AREAS = ("norms", "incentives", "savings", "audit")


class ReleasedBench:
    """A state on a bench, and its release."""

    def __init__(self, bench: Bench, released: Path) -> None:
        self.bench, self.released = bench, released
        tables = {table.name for area in _AREAS for table in MARTS[area]}
        self.layouts = [layout for layout in LAYOUTS if layout.table.name in tables and layout.folder in _AREAS]
        self.before = {layout.table.name: _mart(bench.connection, layout.table) for layout in self.layouts}

    def release_of(self, mutant: Mutant, folder: Path) -> Path:
        """The release that a changed model would have given: a copy, with new files for the tables that differ."""
        copy = copy_of(self.released, folder)
        written: list[Path] = []
        with self.bench.changed(mutant) as connection:
            for layout in self.layouts:
                frame = _mart(connection, layout.table)
                if not frame.equals(self.before[layout.table.name]):
                    written += _replace(copy, layout, frame)
        seal(copy, *written)
        return copy


def _mart(connection: duckdb.DuckDBPyConnection, table: Table) -> pl.DataFrame:
    columns = ", ".join(f'"{name}"' for name in table.names)
    return connection.sql(f'select {columns} from marts."{table.name}"').pl().sort(table.key)


def _replace(release: Path, layout: FileLayout, frame: pl.DataFrame) -> list[Path]:
    """Replace a table's files without sealing them; returns the files."""
    written = []
    name = f"{release.parent.name}_{release.name}"
    parts = {("STATE",): frame}
    if layout.scope == "hospital":
        parts = frame.partition_by("hospital_ccn", as_dict=True)
    for path in sorted((release / layout.folder).glob(f"HCIP_*_{layout.table.name}_{name}.csv")):
        owner = path.name.split("_")[1]
        if path.stem == f"HCIP_{owner}_{layout.table.name}_{name}":
            path.unlink()
            write_csv(parts.get((owner,), frame.clear()), path)
            written.append(path)
    return written


def copy_of(released: Path, folder: Path) -> Path:
    """A copy of the release with its earlier periods, by hard links: unlink a file before changing it."""
    shutil.copytree(released.parent.parent, folder / "releases", copy_function=os.link)
    return folder / "releases" / released.parent.name / released.name


# --- files of a release ---------------------------------------------------------------------------------------------


def change_cell(release: Path, table: str, owner: str, line: int, column: str, change: Callable[[str], str]) -> None:
    """Change one cell of a CSV file (the header is line 1) and nothing else."""
    path = _csv_file(release, table, owner)
    header, rows = _read(path)
    position = header.index(column)
    rows[line - 2][position] = change(rows[line - 2][position])
    _write(path, header, rows)


def forge_cell(release: Path, table: str, owner: str, line: int, column: str, change: Callable[[str], str]) -> None:
    """Change one cell in the CSV and the Parquet file, and update the manifest to agree."""
    change_cell(release, table, owner, line, column, change)
    seal(release, _csv_file(release, table, owner))


def forge_row(release: Path, table: str, owner: str, line: int) -> None:
    """Remove a row from both files, and update the manifest to agree."""
    path = _csv_file(release, table, owner)
    header, rows = _read(path)
    del rows[line - 2]
    _write(path, header, rows)
    seal(release, path)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def seal(release: Path, *paths: Path) -> None:
    """Rewrite the Parquet twins of changed CSV files, and update the manifest to agree."""
    manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    for path in paths:
        _seal(release, path, manifest)
    _write_manifest(release, manifest)


def _seal(release: Path, path: Path, manifest: dict[str, Any]) -> None:
    header, rows = _read(path)
    twin = path.with_suffix(".parquet")
    schema = pq.read_schema(twin)
    columns = [pa.array([row[i] or None for row in rows], pa.string()) for i in range(len(header))]
    typed = [
        column if field.type in (pa.string(), pa.large_string()) else pc.cast(column, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    texts = (pa.string(), pa.large_string())
    typed = [
        pa.array([_plain(value) for value in column.to_pylist()], field.type) if field.type in texts else column
        for column, field in zip(typed, schema, strict=True)
    ]
    twin.unlink()
    pq.write_table(pa.Table.from_arrays(typed, schema=schema), twin)
    (resource,) = [each for each in manifest["resources"] if each["path"] == path.relative_to(release).as_posix()]
    for entry, file in ((resource, path), (resource["parquet"], twin)):
        entry["bytes"] = file.stat().st_size
        entry["hash"] = f"sha256:{sha256(file.read_bytes())}"
    resource["rows"] = len(rows)
    for column in resource["totals"]:
        cells = [row[header.index(column)] for row in rows]
        resource["totals"][column] = str(sum((Decimal(cell) for cell in cells if cell), Decimal(0)))


def _plain(cell: str | None) -> str | None:
    """The text that a CSV cell stands for."""
    return cell[1:] if cell and cell[0] == "'" and neutralized(cell[1:]) == cell else cell


def forge_manifest(release: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest."""
    manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    change(manifest)
    _write_manifest(release, manifest)


def _write_manifest(release: Path, manifest: dict[str, Any]) -> None:
    (release / MANIFEST).unlink()
    text = json.dumps(manifest, ensure_ascii=False) + "\n"  # without indents Python encodes it in C
    (release / MANIFEST).write_text(text, encoding="utf-8")


def forge_policy(release: Path, old: str, new: str) -> None:
    """Change the policy's text, and its hash to agree."""

    def change(manifest: dict[str, Any]) -> None:
        text = manifest["policy"]["text"]
        assert old in text
        text = text.replace(old, new)
        manifest["policy"] |= {"text": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}

    forge_manifest(release, change)


def _csv_file(release: Path, table: str, owner: str) -> Path:
    return release / folder_of(table) / f"HCIP_{owner}_{table}_{release.parent.name}_{release.name}.csv"


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    path.unlink()
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\r\n").writerows([header, *rows])
