"""Where the dbt project is, and its manifest: parsed when the project's files changed, read back otherwise."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError

PROJECT = Path(os.environ.get("HCIP_DBT_PROJECT") or Path(__file__).resolve().parents[2] / "dbt_project")


#: macros that dbt's own code calls by name, on the way to building and testing a project
_CALLED_BY_DBT = {
    "check_schema_exists",
    "create_schema",
    "get_columns_in_relation",
    "list_relations_without_caching",
    "list_schemas",
    "materialization_test_default",
}


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


def read_manifest(target: Path) -> Any:
    """The parsed project as dbt itself keeps it: reading it back takes a fraction of parsing."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    content = (target / "partial_parse.msgpack").read_bytes()
    manifest = Manifest.from_msgpack(content, decoder=extended_mashumuro_decoder)
    manifest.build_parent_and_child_maps()
    return manifest


@cache
def runnable_manifest(target: Path) -> Any:
    """The manifest that builds are run with, read once a process."""
    return with_called_macros(read_manifest(target))


def with_called_macros(manifest: Any) -> Any:
    """The manifest with those macros alone that a build can call: a sixth of what dbt brings.

    dbt hands every macro of the manifest to every node twice, which took a third of a build of small tables.
    """
    waiting = [name for node in manifest.nodes.values() for name in node.depends_on.macros]
    waiting += [
        key for key, macro in manifest.macros.items() if macro.package_name == "hcip" or macro.name in _CALLED_BY_DBT
    ]
    called: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in called and name in manifest.macros:
            called.add(name)
            waiting += manifest.macros[name].depends_on.macros
    manifest.macros = {key: macro for key, macro in manifest.macros.items() if key in called}
    return manifest


def _parse(target: Path) -> None:
    from dbt.cli.main import dbtRunner

    arguments = ["parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
    arguments += ["--target-path", str(target), "--log-path", str(target)]
    result = dbtRunner().invoke(arguments)
    if not result.success:
        raise HcipError(
            f"the dbt project does not parse: {result.exception}", file=PROJECT, fix="mend the model it names"
        )


if __name__ == "__main__":  # where the product is installed: whoever runs it first need not wait for this
    target_folder()
