"""The project's macros, rendered as dbt renders them, so that DuckDB can be asked about them alone."""

from __future__ import annotations

from typing import Any

import jinja2

from hcip_pipeline.warehouse.project import PROJECT

#: what every other macro may call
ARITHMETIC = ("engine", "exact_arithmetic")


def environment() -> jinja2.Environment:
    """Jinja with what dbt adds to it that macros ask for."""
    made = jinja2.Environment(extensions=["jinja2.ext.do"])
    made.globals["target"] = {"type": "duckdb"}
    return made


def macro_text(*files: str) -> str:
    """The text of macro files, by their names without suffix."""
    return "".join((PROJECT / "macros" / f"{name}.sql").read_text(encoding="utf-8") for name in files)


def arithmetic() -> Any:
    """The macros of ``exact_arithmetic.sql`` as functions from SQL to SQL."""
    return environment().from_string(macro_text(*ARITHMETIC)).module
