"""The exact version of this program: one hash over its code and the versions of the libraries that compute figures."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
#: a different version of any of these may compute, order or write something differently
_LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb", "jinja2", "openpyxl", "polars", "pyarrow", "pydantic", "sqlglot")


@cache
def program_version() -> str:
    """sha256 over every file of the installed package, the Python version and the libraries' versions.

    The dbt models have a hash of their own (``warehouse.project.project_digest``).
    """
    digest = hashlib.sha256(platform.python_version().encode())
    for name in _LIBRARIES:
        digest.update(f"{name} {_version(name)}\0".encode())
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
