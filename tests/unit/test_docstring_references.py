"""What a docstring or comment calls a module is one: a reader who follows the name finds the file."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.product_modules import PACKAGE, product_modules

MODELS = {path.stem for path in (PACKAGE.parent / "dbt_project" / "models").rglob("*.sql")}
#: names of files, not of modules
_FILES = (".yaml", ".csv", ".jsonl", ".log")


@cache
def _names(module: str) -> frozenset[str]:
    """What a module defines or imports, methods and fields of its classes included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(product_modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
    return frozenset(found)


def _exists(reference: str, package: str) -> bool:
    """Whether a name leads to a module or one of its names, from the package or any package around it."""
    around = package.split(".")
    for length in range(len(around), -1, -1):
        name = ".".join([*around[:length], reference]) if package else reference
        owner, _, last = name.rpartition(".")
        if name in product_modules() or (owner in product_modules() and last in _names(owner)):
            return True
    return False


def _unknown(text: str, package: str) -> set[str]:
    """References of a module's text that lead nowhere."""
    tops = {name.split(".")[0] for name in product_modules()} - {"", "home"}  # ``home.inbox`` is a path of a Home
    dotted = {
        name
        for name in re.findall(r"``([a-z_]+(?:\.[A-Za-z_]+)+)``", text)
        if name.split(".")[0] in tops and not name.endswith(_FILES)
    }
    docstring = ast.get_docstring(ast.parse(text)) or ""
    elsewhere = re.search(r"Does not belong here:(.*?)(?:\n\n|\Z)", docstring, re.DOTALL)
    plain = {
        name
        for bracket in re.findall(r"\(((?:``[a-z_.]+``,?\s?)+)\)", elsewhere[1] if elsewhere else "")
        for name in re.findall(r"``([a-z_]+)``", bracket)
        if name not in MODELS and name != "dbt_project"
    }
    return {name for name in dotted | plain if not _exists(name, package)}


def test_every_module_that_is_referred_to_exists() -> None:
    unknown = {}
    for module, path in product_modules().items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        unknown[module] = _unknown(path.read_text(encoding="utf-8"), package)
    assert {module: names for module, names in unknown.items() if names} == {}


def test_a_reference_to_a_module_that_is_gone_is_found() -> None:
    text = '"""Does not belong here: x (``gone``, ``intake``), y\n(``intake.gone``, ``intake.hospital``)."""'
    assert _unknown(text, "release") == {"gone", "intake.gone"}
