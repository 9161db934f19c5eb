"""``pyproject.toml`` names every distribution that the program imports, and none that it does not need."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Distributions that are used without an import of ours.
USED_BY_NAME = {
    "dagster-postgres": "storage classes named in dagster.yaml (docs/deployment.md)",
    "dbt-duckdb": "the adapter that profiles.yml names",
    "dbt-spark": "the adapter that the target spark names",
}
#: Imported names that several distributions share, or that live in the environment of `make spark` (py4j is part of
#: pyspark's own interface).
DISTRIBUTION = {"dbt": "dbt-core", "pyspark": "pyspark", "py4j": "pyspark", "sqlglot": "sqlglot"}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {_normal(re.match(r"[\w.-]+", line)[0]) for line in lines}  # type: ignore[index]


def _imported(files: Iterable[Path]) -> set[str]:
    """Top-level names imported anywhere in the files, without Python's own and the program's."""
    names: set[str] = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"hcip_pipeline"}


def _distributions(names: Iterable[str]) -> set[str]:
    owners = packages_distributions()
    return {_normal(DISTRIBUTION.get(name) or owners[name][0]) for name in names}


@functools.cache
def _imported_by_the_product() -> set[str]:
    return _imported((ROOT / "hcip_pipeline").rglob("*.py"))


def test_every_imported_distribution_is_declared() -> None:
    imported = _distributions(_imported_by_the_product())
    assert sorted(imported - _declared("spark")) == []


def test_no_distribution_is_declared_in_vain() -> None:
    imported = _distributions(_imported_by_the_product())
    assert sorted(_declared("spark", "postgres") - imported - USED_BY_NAME.keys()) == []


def test_types_are_checked_of_every_package_that_is_imported() -> None:
    """What mypy skips to save time is only what other packages import."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["overrides"]
    skipped = {name.split(".")[0] for rule in rules if rule.get("follow_imports") == "skip" for name in rule["module"]}
    assert skipped and not skipped & _imported_by_the_product()


def test_what_is_declared_for_other_reasons_is_declared() -> None:
    assert USED_BY_NAME.keys() <= _declared("spark", "postgres")


@pytest.mark.parametrize("text", ["import left_pad", "def f():\n    from left_pad.pads import pad\n"])
def test_an_import_is_found_wherever_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(text, encoding="utf-8")
    assert _imported([file]) == {"left_pad"}
