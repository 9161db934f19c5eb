"""The dbt project: its location, and its parsed manifest in a cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import platformdirs

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.scratch import scratch_folder


def _project_folder() -> Path:
    """The project inside the installed package, or next to the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "dbt_project"
    return installed if installed.is_dir() else package.parent / "dbt_project"


PROJECT = _project_folder()

#: dbt's own cache of a parsed project, read back by the next parse
_PARTIAL_PARSE = "partial_parse.msgpack"


def cache_folder() -> Path:
    """The folder for parsed projects: ``HCIP_CACHE``, or ``hcip`` in the user's own cache folder.

    The installed package may belong to another user and be read-only, so nothing is ever written into it.
    """
    return Path(os.environ.get("HCIP_CACHE") or platformdirs.user_cache_path("hcip", appauthor=False))


def project_digest() -> str:
    """The sha256 over every file that parsing reads."""
    digest = hashlib.sha256()
    for path in sorted(PROJECT.rglob("*")):
        if path.suffix in (".sql", ".yml") and "target" not in path.relative_to(PROJECT).parts:
            digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def target_folder() -> Path:
    """The folder with the current project's ``manifest.json``; the first caller parses the project.

    The folder is written under a temporary name and renamed, so several processes may request it at once.

    Raises:
        HcipError: the project does not parse, or the cache folder cannot be written.
    """
    stock = os.environ.get("HCIP_STOCK", "")  # chooses materializations (dbt_project.yml)
    key = "\0".join((project_digest(), str(PROJECT), version("dbt-core"), stock))
    folder = cache_folder() / "dbt" / hashlib.sha256(key.encode()).hexdigest()[:16]
    if (folder / "manifest.json").exists():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="parse-", dir=folder.parent))
    except OSError as error:
        raise HcipError(
            f"the cache folder cannot be written ({error.strerror})",
            file=folder.parent,
            fix="set HCIP_CACHE to a folder that you can write to",
        ) from error
    try:
        _parse(work)
        work.rename(folder)
    except OSError:
        if not (folder / "manifest.json").exists():
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def manifest_path() -> Path:
    """The current project's ``manifest.json``."""
    return target_folder() / "manifest.json"


def parsed_project() -> Any:
    """The parsed project for ``dbtRunner(manifest=…)``, loaded once per process.

    dbt reads its cache from a copy, so that the cache folder is never written twice.
    """
    return _load(target_folder())


@cache
def _load(folder: Path) -> Any:
    with scratch_folder("parse") as work:
        shutil.copyfile(folder / _PARTIAL_PARSE, work / _PARTIAL_PARSE)
        return _parse(work, "--no-write-json")


def _parse(target: Path, *options: str) -> Any:
    from dbt.cli.main import dbtRunner

    arguments = ["parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet", *options]
    arguments += ["--target-path", str(target), "--log-path", str(target), "--log-level-file", "none"]
    result = dbtRunner().invoke(arguments)
    if not result.success:
        raise HcipError(
            f"the dbt project does not parse: {result.exception}", file=PROJECT, fix="correct the model it names"
        )
    return result.result


if __name__ == "__main__":  # run at setup, so that the first command does not wait for parsing
    target_folder()
