"""The program uses other packages by their public interfaces alone: no leading underscore, nothing patched."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hcip_pipeline

PACKAGE = Path(hcip_pipeline.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: what ends a process past its interpreter, reads another program's cache, or calls C by hand
_BANNED = re.compile(r"\bos\._exit\b|\batexit\._|\bfrom_msgpack\b|\bctypes\b|\bsys\._|\"dagster\._daemon\"")
#: module below the package -> why it still may; nothing new is added here
EXCEPTIONS: dict[str, str] = {}


def _private_imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            if any(part.startswith("_") and not part.startswith("__") for part in (first, *rest)):
                yield name


def _private_names(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found = [name for name in _private_imports(ast.parse(text)) if not name.startswith("hcip_pipeline.")]
    code = "\n".join(line.split("#", 1)[0] for line in text.splitlines())
    return found + _BANNED.findall(code)


def test_no_private_part_of_another_package_is_used() -> None:
    found = {str(path.relative_to(PACKAGE)): names for path in MODULES if (names := _private_names(path))}
    assert {module: names for module, names in found.items() if module not in EXCEPTIONS} == {}


@pytest.mark.parametrize(
    "text",
    [
        "from dagster._core.errors import DagsterError",
        "import dagster._daemon",
        "from dagster import _private",
        "import ctypes",
        "import os\nos._exit(1)",
        "import atexit\natexit._run_exitfuncs()",
        "Manifest.from_msgpack(content)",
    ],
)
def test_a_private_name_of_another_package_is_found(tmp_path: Path, text: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(text, encoding="utf-8")
    assert _private_names(file)
