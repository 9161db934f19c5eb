"""The page of evaluated suites: what was expected, and the counts that were found.

Belongs here: rendering. Does not belong here: evaluating.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import PackageLoader, Template

from hcip_pipeline.checks.expectations.validation import SuiteResult
from hcip_pipeline.html_pages import page_environment


def expectations_page(title: str, subtitle: str, results: Sequence[SuiteResult]) -> str:
    """Self-contained HTML without network access, scripts or data of any row."""
    return _template().render(title=title, subtitle=subtitle, results=results)


@cache
def _template() -> Template:
    environment = page_environment(PackageLoader("hcip_pipeline.checks.expectations"), lstrip_blocks=False)
    environment.filters["number"] = lambda count: "" if count is None else f"{count:,}"
    return environment.get_template("expectations.html.j2")
