"""The project's arithmetic macros, rendered as dbt renders them, so that DuckDB can be asked about them alone."""

from __future__ import annotations

from typing import Any

import jinja2

from hcip_pipeline.warehouse.project import PROJECT


def arithmetic() -> Any:
    """The macros of ``exact_arithmetic.sql`` as functions from SQL to SQL."""
    text = (PROJECT / "macros" / "exact_arithmetic.sql").read_text(encoding="utf-8")
    return jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(text).module
