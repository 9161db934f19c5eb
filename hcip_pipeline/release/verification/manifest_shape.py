"""The form that a manifest must have before anything in it is used.

Belongs here: types and names of its parts, and paths that stay inside the release. Does not belong here: whether what
it states is true (``package``, ``chain``).
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

_OPTIONAL = "?"
_FILE: dict[str, Any] = {"path": str, "hash": str, "bytes?": int}
#: a type, a mapping of names (those with ``?`` may be absent, texts and numbers also null), or a list of one shape
_SHAPE: dict[str, Any] = {
    "name": str,
    "resources": [
        _FILE
        | {
            "parquet?": _FILE,
            "rows?": int,
            "totals?": dict,
            "audience?": str,
            "schema?": {"fields?": [{"name": str, "type": str}], "primaryKey?": [str]},
        }
    ],
    "inputs?": [{"file": str, "sha256?": str, "rows?": int}],
    "policy?": {"sha256?": str, "text?": str, "version?": str},
    "supersedes?": str,
    "rests_on?": [{"period": str, "release": str, "manifest_sha256": str}],
}


def check_shape(manifest: Any) -> None:
    """Check that a manifest has the form of one.

    Raises:
        ValueError: names the part that is wrong.
    """
    json.dumps(manifest, ensure_ascii=False).encode()  # fails on half a surrogate pair, which JSON can contain
    _check(manifest, _SHAPE, "the manifest")
    for resource in manifest["resources"]:
        for entry in (resource, resource.get("parquet") or {}):
            path = PurePosixPath(entry.get("path", "x"))
            if path.is_absolute() or ".." in path.parts or path.parts == () or "\0" in str(path):
                raise ValueError("a path in resources points outside the release")


def _check(value: Any, shape: Any, where: str) -> None:
    if isinstance(shape, dict):
        _expect(value, dict, where)
        for key, of_key in shape.items():
            name = key.removesuffix(_OPTIONAL)
            is_absent = name not in value or (value[name] is None and of_key in (str, int))
            if key != name and is_absent:
                continue
            if name not in value:
                raise ValueError(f"{where} has no {name}")
            _check(value[name], of_key, f"{name} of {where}" if where != "the manifest" else name)
    elif isinstance(shape, list):
        _expect(value, list, where)
        for number, item in enumerate(value, start=1):
            _check(item, shape[0], f"item {number} of {where}")
    else:
        _expect(value, shape, where)


def _expect(value: Any, kind: type, where: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {dict: "a mapping", list: "a list", str: "text", int: "a whole number"}[kind]
        raise ValueError(f"{where} is not {words}")
