"""The packages are layers: each imports only from the layers below it, and no two modules import each other.

Imports inside functions count as well: they are made at run time, and a circle of them is a circle. Imports for type
checkers alone count for the layers (a reader follows them) and not for the circles (they are never made).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.product_modules import PACKAGE, product_modules

#: The layers, from the top. A name covers the module and everything below it; the longest name that fits counts.
#: Modules of one layer may import each other across packages; only circles between modules are ruled out.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("commands",),
    ("operations", "guides"),
    ("assets", "definitions"),
    ("sharing",),
    ("alerting",),
    ("publishing",),
    ("certainty",),
    ("audit", "reports", "study", "simulation"),
    ("checks",),
    ("settlement",),
    ("warehouse",),
    ("shared_home",),
    ("ledger",),
    ("release",),
    ("intake",),
    ("reference",),
    ("tables",),
    ("contracts", "policy"),
    ("home",),
    ("background", "files", "html_pages", "one_address", "periods", "plain_lines", "rules"),
    ("dollars", "errors", "machine", "messages", "parsed_sql", "program_version"),
)
#: Besides the layers: imported from any, importing none of the product. The synthetic state writes what intake reads.
BESIDE: Mapping[str, tuple[str, ...]] = {
    "release.verification": (),
    "synthetic": ("contracts", "errors", "periods", "policy", "reference"),
}
#: Imports that go up and shall not: this list only gets shorter.
EXCEPTIONS: frozenset[tuple[str, str]] = frozenset()

#: what an import can be in: expressions hold none
_HOLDS_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
_RANK = {name: rank for rank, names in enumerate(reversed(LAYERS)) for name in names}


@cache
def _statements(path: Path) -> tuple[tuple[ast.Import | ast.ImportFrom, bool], ...]:
    """Every import statement of a file, wherever in it, and whether it is for type checkers alone."""
    found: list[tuple[ast.Import | ast.ImportFrom, bool]] = []
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding="utf-8")), False)]
    while waiting:
        node, for_types = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node, for_types))
        for_types = for_types or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        children = (child for child in ast.iter_child_nodes(node) if isinstance(child, _HOLDS_STATEMENTS))
        waiting += [(child, for_types) for child in children]
    return tuple(found)


def _imports(path: Path, modules: Mapping[str, Path], with_type_checking: bool) -> set[str]:
    """Modules of the package that a file imports, wherever in the file."""
    found: set[str] = set()
    for node, for_types in _statements(path):
        if for_types and not with_type_checking:
            continue
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        else:
            start = path.parents[node.level - 1].relative_to(PACKAGE.parent).parts if node.level else ()
            source = ".".join((*start, *((node.module,) if node.module else ())))
            names = [(f"{source}.{alias.name}", source) for alias in node.names]
        for name, parent in names:
            if name.split(".")[0] == "hcip_pipeline":
                below, above = (text.removeprefix("hcip_pipeline").lstrip(".") for text in (name, parent))
                found.add(below if below in modules else above)
                assert below in modules or (parent and above in modules), f"{path} imports {name}, which is no module"
    return found - {""}  # the package itself holds the version alone


def _graph(with_type_checking: bool) -> dict[str, set[str]]:
    modules = product_modules()
    return {name: _imports(path, modules, with_type_checking) - {name} for name, path in modules.items() if name}


def _place(module: str) -> str:
    """The name in ``LAYERS`` or ``BESIDE`` that a module belongs to."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    known = [name for name in names if name in _RANK or name in BESIDE]
    assert known, f"{module} has no place among the layers: add it to LAYERS"
    return known[0]


def _wrong_imports(graph: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    wrong = set()
    for module, imported in graph.items():
        place = _place(module)
        for other in imported:
            goal = _place(other)
            if goal == place or (goal in BESIDE and not BESIDE[goal]):
                continue
            if not (goal in BESIDE[place] if place in BESIDE else goal in BESIDE or _RANK[goal] <= _RANK[place]):
                wrong.add((module, other))
    return wrong


def _circle(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_package_imports_only_from_below() -> None:
    wrong = _wrong_imports(_graph(with_type_checking=True))
    assert sorted(wrong - EXCEPTIONS) == []
    assert sorted(EXCEPTIONS - wrong) == [], "these imports are gone: take them off the list"


def test_no_two_modules_import_each_other_at_run_time() -> None:
    assert _circle(_graph(with_type_checking=False)) == []


def test_every_name_among_the_layers_is_a_module() -> None:
    assert sorted((_RANK.keys() | BESIDE.keys()) - product_modules().keys()) == []


@pytest.mark.parametrize(
    ("module", "other"),
    [("intake.hospital.ingest", "publishing.writer"), ("release.verification.package", "errors"), ("periods", "home")],
)
def test_an_import_from_above_is_found(module: str, other: str) -> None:
    assert _wrong_imports({module: {other}}) == {(module, other)}


def test_a_lazy_import_and_a_circle_are_found(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("def f():\n    from hcip_pipeline.publishing import writer\n", encoding="utf-8")
    assert _imports(file, product_modules(), with_type_checking=False) == {"publishing.writer"}
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
