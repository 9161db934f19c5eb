"""The project's macros, rendered as dbt renders them, so that DuckDB can evaluate them by themselves."""

from __future__ import annotations

from typing import Any

import jinja2

from hcip_pipeline.warehouse.project import PROJECT

#: files of macros that every other macro may call
ARITHMETIC = ("engine", "exact_arithmetic")


def environment() -> jinja2.Environment:
    """Jinja with the dbt functions that macros use."""
    made = jinja2.Environment(extensions=["jinja2.ext.do"])
    made.globals["target"] = {"type": "duckdb"}
    return made


def macro_text(*files: str) -> str:
    """The text of macro files, named without suffix."""
    return "".join((PROJECT / "macros" / f"{name}.sql").read_text(encoding="utf-8") for name in files)


def arithmetic() -> Any:
    """The macros of ``exact_arithmetic.sql`` as functions from SQL to SQL."""
    return environment().from_string(macro_text(*ARITHMETIC)).module
