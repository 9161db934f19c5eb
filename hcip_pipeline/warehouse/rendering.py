"""The project's models as SQL without a dbt build: rendered as dbt renders them, for a policy and a run.

Belongs here: templates, references between models, their order. Does not belong here: running anything. A release is
always made by dbt itself; this module serves to compute the same models many times, and a test compares its tables with
those of a dbt build.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2

from hcip_pipeline.warehouse.project import PROJECT

SCHEMAS = ("staging", "intermediate", "marts")

_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\(.*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
_SOURCE = re.compile(r"source\('lake', '(\w+)'\)")
_REFERENCE = re.compile(r"ref\('(\w+)'\)")
#: a table in rendered SQL, as :func:`_environment` writes it
_PLACE = re.compile(r'"(lake|staging|intermediate|marts)"\."(\w+)"')


@dataclass(frozen=True)
class Model:
    """A model's schema, its SQL template, and the models and lake tables it reads."""

    schema: str
    template: str
    reads: frozenset[str]
    sources: frozenset[str]


class _ReturnedError(Exception):
    """Carries the value of dbt's ``return`` out of the macro as it is, not as text."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _return(value: Any) -> Any:
    raise _ReturnedError(value)


@cache
def models() -> Mapping[str, Model]:
    """Every model of the project by name."""
    found = {}
    for schema in SCHEMAS:
        for path in sorted((PROJECT / "models" / schema).rglob("*.sql")):
            text = path.read_text(encoding="utf-8")
            reads, sources = frozenset(_REFERENCE.findall(text)), frozenset(_SOURCE.findall(text))
            found[path.stem] = Model(schema, text, reads, sources)
    return found


@cache
def checks() -> Mapping[str, Model]:
    """The project's own checks: queries for rows that must not exist."""
    found = {}
    for path in sorted((PROJECT / "tests").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        found[path.stem] = Model("tests", text, frozenset(_REFERENCE.findall(text)), frozenset(_SOURCE.findall(text)))
    return found


def needed(targets: Iterable[str]) -> list[str]:
    """``targets`` and every model they depend on, each after those it reads."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in ordered:
            for parent in sorted(models()[name].reads):
                visit(parent)
            ordered[name] = None

    for target in sorted(targets):
        visit(target)
    return list(ordered)


def downstream(changed: Iterable[str], within: Iterable[str]) -> list[str]:
    """The models of ``within``, in order, that are ``changed`` or read a changed one, directly or indirectly."""
    found = set(changed)
    kept = []
    for name in within:
        if name in found or models()[name].reads & found:
            found.add(name)
            kept.append(name)
    return kept


class Renderer:
    """Models as SQL for one set of dbt variables; tables are written ``"schema"."name"``.

    Args:
        variables: the variables that dbt would receive as ``--vars``.
        texts: model or macro file -> text to use in place of the file's, to see what a change would compute.
    """

    def __init__(self, variables: Mapping[str, Any], texts: Mapping[str, str] | None = None) -> None:
        self._variables = variables
        environment, texts = _environment(), texts or {}
        self._models = {name: environment.from_string(text) for name, text in texts.items() if name in models()}
        self._macros = {
            match[1]: environment.from_string(match[0])
            for name, text in texts.items()
            if name not in models()
            for match in _MACRO.finditer(text)
        }

    def model(self, name: str) -> str:
        """A model as SQL."""
        return self._render(self._models.get(name) or _template(name))

    def check(self, name: str) -> str:
        """A check as SQL."""
        return self._render(_check_template(name))

    def _render(self, template: jinja2.Template) -> str:
        _variables.clear()
        _variables.update(self._variables)
        before = dict(_macros)
        _macros.update(self._macros)
        try:
            return template.render()
        finally:
            _macros.update(before)


def with_catalogs(sql: str, catalog_of: Callable[[str, str], str]) -> str:
    """``sql`` with the catalog that ``catalog_of`` a schema and table names before each table, if it names any."""

    def place(match: re.Match[str]) -> str:
        catalog = catalog_of(match[1], match[2])
        return f'"{catalog}".{match[0]}' if catalog else match[0]

    return _PLACE.sub(place, sql)


#: the values of ``var`` while a model is rendered
_variables: dict[str, Any] = {}
#: macro -> its template, looked up at every call
_macros: dict[str, jinja2.Template] = {}


@cache
def _environment() -> jinja2.Environment:
    """dbt's names, and every macro as a template of its own so that a macro may call any other."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined)
    environment.globals |= {
        "var": _variables.__getitem__,
        "ref": lambda name: f'"{models()[name].schema}"."{name}"',
        "source": lambda _, name: f'"lake"."{name}"',
        "config": lambda **_: "",
        "return": _return,
        "target": {"type": "duckdb"},
        "execute": True,
    }
    for path in sorted((PROJECT / "macros").glob("*.sql")):
        for match in _MACRO.finditer(path.read_text(encoding="utf-8")):
            environment.globals[match[1]] = _macro(environment, match[0], match[1])
    return environment


def _macro(environment: jinja2.Environment, text: str, name: str) -> Callable[..., Any]:
    _macros[name] = environment.from_string(text)

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return getattr(_macros[name].module, name)(*arguments, **named)
        except _ReturnedError as returned:
            return returned.value

    return call


@cache
def _template(name: str) -> jinja2.Template:
    return _environment().from_string(models()[name].template)


@cache
def _check_template(name: str) -> jinja2.Template:
    return _environment().from_string(checks()[name].template)
