"""The page on data quality: self-contained HTML, no network, everything escaped, fit to print.

Belongs here: the data passed to the template next to this file. Does not belong here: computing any figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader

from hcip_pipeline.dollars import dollars
from hcip_pipeline.html_pages import page_environment


@cache
def _environment() -> Environment:
    packages = ("hcip_pipeline.intake.hospital", "hcip_pipeline.rules")
    loader = ChoiceLoader([PackageLoader(package, "templates") for package in packages])
    environment = page_environment(loader, lstrip_blocks=False)
    environment.filters["dollars"] = dollars
    environment.filters["number"] = lambda count: f"{int(count):,}"
    environment.filters["percent"] = lambda rate: "–" if rate is None else f"{rate * 100:.2f}%"
    environment.filters["sentence"] = lambda words: words[:1].upper() + words[1:]
    return environment


def quality_page(title: str, subtitle: str, sections: Sequence[Mapping[str, Any]]) -> str:
    """Rates by rule; each section has a heading, receipts (``versions``), the one ``in_force``, and rows of
    ``quality_of_data.data_quality``, worst first."""
    return _environment().get_template("data_quality.html.j2").render(title=title, subtitle=subtitle, sections=sections)
