"""Where the dbt project is, and its manifest: parsed when the project's files changed, read back otherwise."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from hcip_pipeline.errors import HcipError

PROJECT = Path(os.environ.get("HCIP_DBT_PROJECT") or Path(__file__).resolve().parents[2] / "dbt_project")


def project_digest() -> str:
    """sha256 over every file that parsing reads."""
    digest = hashlib.sha256()
    for path in sorted(PROJECT.rglob("*")):
        if path.suffix in (".sql", ".yml") and "target" not in path.relative_to(PROJECT).parts:
            digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def target_folder() -> Path:
    """The folder of parsing results for the project as it stands, made when needed.

    Whoever comes second finds it finished: it is written beside its place and renamed into it.
    """
    folder = PROJECT / "target" / project_digest()[:16]
    if (folder / "manifest.json").exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="parse-", dir=folder.parent))
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
    """``manifest.json`` of the project as it stands."""
    return target_folder() / "manifest.json"


def _parse(target: Path) -> None:
    from dbt.cli.main import dbtRunner

    arguments = ["parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
    arguments += ["--target-path", str(target), "--log-path", str(target)]
    result = dbtRunner().invoke(arguments)
    if not result.success:
        raise HcipError(
            f"the dbt project does not parse: {result.exception}", file=PROJECT, fix="mend the model it names"
        )
