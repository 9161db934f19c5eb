"""A release as files: its manifest, and every file compared with it.

Belongs here: hashes, counts, totals, order, Parquet files compared with CSV files. Does not belong here: what a figure
should be.
"""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from .destruction import may_be_destroyed
from .manifest_shape import check_shape
from .report import Findings, UnreadableReleaseError
from .shapes import SHAPES, Shape
from .tables import Table, UnreadableTableError, differing_columns, read_csv, read_parquet

MANIFEST = "datapackage.json"

_NAME = re.compile(r"HCIP_(?P<owner>[^_]+)_(?P<table>[a-z0-9_]+)_(?P<period>[0-9]{4}H[12])_(?P<number>r[0-9]+)\.csv")
_FIELD_TYPES = {"string": "text", "number": "number", "integer": "integer", "boolean": "boolean", "date": "date"}


def sha256(file: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a release.

    Raises:
        UnreadableReleaseError: it is missing, is not JSON, or does not have the form of a manifest.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        check_shape(content)
        named = re.fullmatch(r"hcip-([0-9]{4}h[12])-(r[0-9]{1,9})", content["name"])
        if named is None:
            raise ValueError("its name is not that of a release")
    except FileNotFoundError as error:
        raise UnreadableReleaseError(
            f"{folder} is not a release: it has no {MANIFEST}", "name a folder such as releases/2025H1/r1"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _reason(error)
        raise UnreadableReleaseError(
            f"{file} cannot be read as the manifest of a release: {reason}",
            "copy the release again from the home that made it",
        ) from error
    return {**content, "period": named[1].upper(), "number": named[2]}


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON (line {error.lineno})"
    if isinstance(error, UnicodeError):
        return "it is not UTF-8 text"
    return error.strerror or "it cannot be opened" if isinstance(error, OSError) else str(error)


def is_before_privacy_rule(manifest: Mapping[str, Any]) -> bool:
    """Whether a release's public tables were made before small counts were hidden in every column."""
    privacy = manifest.get("privacy")
    return not (isinstance(privacy, dict) and privacy.get("rule") in PRIVACY_RULES)


def is_before_hospital_readers(manifest: Mapping[str, Any]) -> bool:
    """Whether a release hides small counts only from readers who have no counts of their own."""
    return not is_before_privacy_rule(manifest) and manifest["privacy"]["rule"] not in _TO_HOSPITALS


def entries(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every file that a manifest lists: path, bytes and hash."""
    for resource in manifest["resources"]:
        yield resource
        if twin := resource.get("parquet"):
            yield twin


def destroyed_files(folder: Path) -> dict[str, str]:
    """Path -> hash of files that were destroyed on purpose because retention or a data-use agreement ended.

    The record next to the release is valid only for the manifest that it names, only for patient-level files, and only
    from the day after the policy's retention or the agreement ended. A file that it may not cover counts as missing,
    and so does a file whose hash in the record is not the manifest's.
    """
    try:
        record = json.loads((folder.parent / f"{folder.name}.destroyed.json").read_text(encoding="utf-8"))
        if record["manifest_sha256"] != sha256(folder / MANIFEST):
            return {}
        manifest = read_manifest(folder)
        files = record["files"]
        return {str(f["path"]): str(f["hash"]) for f in files if may_be_destroyed(manifest, f)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, UnreadableReleaseError):
        return {}


def has_destroyed(folder: Path) -> bool:
    """Whether files of the release were destroyed on purpose."""
    return bool(destroyed_files(folder))


#: rules of a manifest under which public tables hide small counts in every column
PRIVACY_RULES = ("every-column", "every-reader")
#: those that hide them from readers with counts of their own too
_TO_HOSPITALS = ("every-reader",)


@dataclass(frozen=True)
class Listed:
    """One table of the manifest."""

    path: str
    resource: dict[str, Any]
    owner: str
    shape: Shape


class Package:
    """A release on disk. Each table is compared with the manifest when it is read."""

    def __init__(self, folder: Path, findings: Findings) -> None:
        self.folder = folder
        self.findings = findings
        self.manifest = read_manifest(folder)
        self.period: str = self.manifest["period"]
        self.year, self.half = int(self.period[:4]), int(self.period[5])
        self.name = f"{self.period}_{self.manifest['number']}"
        self.files = 0
        self.destroyed = destroyed_files(folder)
        self._absent: set[str] = set()
        self._listed: dict[tuple[str, str, str], Listed] = {}
        self._read: set[str] = set()

    @property
    def is_before_privacy_rule(self) -> bool:
        """Whether the release is older than the rule that hides small counts."""
        return is_before_privacy_rule(self.manifest)

    @property
    def is_before_programs(self) -> bool:
        """Whether the release was made before releases carried the tables of programs (methodology version 2, §15)."""
        return self.is_before_privacy_rule and ("audit", "programs", "STATE") not in self._listed

    @property
    def hospitals(self) -> list[str]:
        """The hospitals that have files in the release."""
        return sorted({listed.owner for listed in self._listed.values()} - {"STATE"})

    def check_files(self) -> None:
        """Check that every listed file is present as stated, and that there are no others."""
        stated = {MANIFEST}
        for resource in self.manifest["resources"]:
            for entry in entries({"resources": [resource]}):
                stated.add(entry["path"])
                self._check_file(entry)
            if "schema" in resource:
                self._list(resource)
        there = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if not path.is_dir()}
        for path in sorted(there - stated):
            self.findings.differ("files", path, "", "only files that the manifest lists", "another file")
        self.files = len(there)
        if self.is_before_programs:
            made_by = f"none: version {self.manifest.get('code_version')} made the release before these tables existed"
            self.findings.differ("files", MANIFEST, "tables of programs", "the tables that payments depend on", made_by)
            return
        for shape in SHAPES.values():
            for owner in self.hospitals if shape.scope == "hospital" else ["STATE"]:
                is_listed = (shape.folder, shape.name, owner) in self._listed
                if shape.is_optional and not is_listed:
                    continue
                found = "a table" if is_listed else "none"
                self.findings.fact("files", f"{shape.folder}/", "", "a table", found, key=f"{owner} {shape.name}")

    def _check_file(self, entry: dict[str, Any]) -> None:
        path, file = entry["path"], self.folder / entry["path"]
        if not file.is_file():
            self._absent.add(path)
            if self.destroyed.get(path) == entry["hash"]:
                return
            self.findings.differ("files", path, "", "a file", "none")
            return
        self.findings.fact("files", path, "bytes", entry.get("bytes"), file.stat().st_size)
        self.findings.fact("files", path, "hash", entry["hash"], f"sha256:{sha256(file)}")
        self.findings.counted("files", 1)

    def _list(self, resource: dict[str, Any]) -> None:
        path = resource["path"]
        folder, _, name = path.rpartition("/")
        parts = _NAME.fullmatch(name)
        if not parts:
            if any(folder == known for known, _ in SHAPES):
                self.findings.differ("files", path, "name", "HCIP_<owner>_<table>_<period>_r<n>.csv", name)
            self._listed[folder, name, "STATE"] = Listed(path, resource, "STATE", _stated_shape(folder, name, resource))
            return
        self.findings.fact("files", path, "name", self.name, f"{parts['period']}_{parts['number']}")
        found = "a file" if "parquet" in resource else "none"
        self.findings.fact("files", path, "Parquet file next to it", "a file", found)
        shape = SHAPES.get((folder, parts["table"])) or _stated_shape(folder, parts["table"], resource)
        self._listed[folder, parts["table"], parts["owner"]] = Listed(path, resource, parts["owner"], shape)

    def table(self, name: str, owner: str = "STATE") -> Table:
        """A table that the rules need.

        Raises:
            UnreadableTableError: it is missing or cannot be read; the difference is recorded.
        """
        folder = next(folder for folder, known in SHAPES if known == name)
        listed = self._listed.get((folder, name, owner))
        if listed is None or listed.path in self._absent:
            raise UnreadableTableError(f"{name} of {owner}", "no such table")
        return self._checked(listed)

    def optional(self, folder: str, name: str, owner: str = "STATE") -> Table | None:
        """A table that a release may have, as its manifest describes it; None if it is missing or cannot be read."""
        listed = self._listed.get((folder, name, owner))
        if listed is None or listed.path in self._absent:
            return None
        try:
            return self._checked(listed)
        except UnreadableTableError:
            return None

    def check_other_tables(self) -> None:
        """Check the tables that no rule has read."""
        for listed in self._listed.values():
            if listed.path not in self._read and listed.path not in self._absent:
                try:
                    self._checked(listed)
                except UnreadableTableError:
                    continue

    def _checked(self, listed: Listed) -> Table:
        """Read a table and compare it with the manifest."""
        self._read.add(listed.path)
        try:
            table = read_csv(self.folder / listed.path, listed.path, listed.shape)
        except UnreadableTableError as error:
            self.findings.differ("tables", listed.path, "", error.expected, error.found, row=error.row)
            raise UnreadableTableError(listed.path, error.found) from error
        resource, fact = listed.resource, self.findings.fact
        fields = [field["name"] for field in resource.get("schema", {}).get("fields", ())]
        fact("tables", table.path, "columns", fields, list(table.columns))
        fact("tables", table.path, "rows", resource.get("rows"), len(table.rows))
        totals = {column: _number(total) for column, total in resource.get("totals", {}).items()}
        money = listed.shape.money or totals.keys()
        sums = {c: _sum(table.typed[table.positions[c]]) for c in money if c in table.positions}
        for column in sorted(sums.keys() | totals.keys()):
            fact("tables", table.path, "total", totals.get(column), sums.get(column), key=column)
        self.findings.counted("tables", len(table.rows))
        self.findings.tallies["tables"].cents += sum(int(abs(total).scaleb(2)) for total in sums.values())
        self._check_order(table, listed.owner)
        self._check_twin(table, resource)
        table.raw = table.typed = []
        return table

    def _check_order(self, table: Table, owner: str) -> None:
        keys = table.keys()
        if self._is_in_order(table, keys, owner):
            return
        previous: tuple[Any, ...] = ()
        for row, key in zip(table, keys, strict=True):
            if None in key:
                self.findings.differ("tables", table.path, "key", "a value in every key column", "", row=row.line)
                continue
            if not previous < key:
                found = "the same key" if previous == key else "a smaller key"
                self.findings.differ("tables", table.path, "key", "a key after the previous row's", found, row=row.line)
            previous = key
            if (table.shape.folder, table.shape.name) not in SHAPES:
                continue  # such a table may cover other periods, which are not checked here
            if "period" in table.positions and row["period"] != self.period:
                self.findings.differ("tables", table.path, "period", self.period, row["period"], row=row.line)
            if owner != "STATE" and "hospital_ccn" in table.positions and row["hospital_ccn"] != owner:
                self.findings.differ("tables", table.path, "hospital_ccn", owner, row["hospital_ccn"], row=row.line)

    def _is_in_order(self, table: Table, keys: Sequence[tuple[Any, ...]], owner: str) -> bool:
        """Whether no row needs to be reported."""
        if any(None in key for key in keys) or not all(map(operator.lt, keys, keys[1:])):
            return False
        if (table.shape.folder, table.shape.name) not in SHAPES:
            return True
        stated = {"period": self.period} | ({"hospital_ccn": owner} if owner != "STATE" else {})
        return all(
            set(table.typed[table.positions[column]]) <= {value}
            for column, value in stated.items()
            if column in table.positions
        )

    def _check_twin(self, table: Table, resource: dict[str, Any]) -> None:
        path = resource.get("parquet", {}).get("path")
        if not path or path in self._absent:
            return
        self.findings.counted("parquet", len(table.rows))
        try:
            twin = read_parquet(self.folder / path)
        except UnreadableTableError as error:
            self.findings.differ("parquet", path, "", error.expected, error.found)
            return
        self.findings.fact("parquet", path, "columns", list(table.columns), twin.column_names)
        self.findings.fact("parquet", path, "rows", len(table.rows), twin.num_rows)
        if twin.num_rows != len(table.rows) or sorted(twin.column_names) != sorted(table.columns):
            return
        self.findings.tallies["parquet"].figures += len(table.columns) * len(table.rows)
        for line, column in differing_columns(table, twin):
            self.findings.differ("parquet", path, column, "the CSV file's value", "another value", row=line)


def _stated_shape(folder: str, name: str, resource: dict[str, Any]) -> Shape:
    """The shape of a table that no rule needs, as the manifest describes it."""
    schema = resource.get("schema", {})
    types = {field["name"]: _FIELD_TYPES.get(field["type"], "text") for field in schema.get("fields", ())}
    return Shape(name, folder, "", tuple(schema.get("primaryKey", ())), types)


def _sum(cells: Iterable[Decimal | None]) -> Decimal:
    return sum((cell for cell in cells if cell is not None), Decimal(0))


def _number(text: object) -> Decimal | str:
    try:
        return Decimal(str(text))
    except ArithmeticError:
        return str(text)
