"""The Jinja environment of the reports' templates, with filters and escaping.

Belongs here: filters and rendering. Does not belong here: the content of a page.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2

from hcip_pipeline.contracts.payment_reasons import parse_reasons
from hcip_pipeline.html_pages import page_environment
from hcip_pipeline.reports import words
from hcip_pipeline.reports.figures import ReportSource


@cache
def _environment() -> jinja2.Environment:
    """One environment for all pages, so that shared templates are compiled once."""
    environment = page_environment(jinja2.PackageLoader("hcip_pipeline.reports"))
    environment.filters |= {
        "money": words.money,
        "dollars": words.dollars,
        "signed_dollars": words.signed_dollars,
        "signed_money": words.signed_money,
        "percent": words.percent,
        "signed_percent": words.signed_percent,
        "number": words.number,
        "count": words.count,
        "day": words.day,
        "half": words.half,
        "measure": words.measure,
        "against": words.against,
    }
    environment.globals |= {"plural": words.plural, "reasons": parse_reasons}
    environment.globals |= {"STATUSES": words.STATUSES, "SIGNS": words.SIGNS}
    return environment


def page(template: str, **content: Any) -> bytes:
    """Render a page as UTF-8 with a final newline, without the blank lines that template tags leave."""
    text = _environment().get_template(template).render(content)
    return ("\n".join(line for line in text.splitlines() if line.strip()) + "\n").encode()


def release_page(source: ReportSource, template: str, **content: Any) -> bytes:
    """Render a page about a release: as :func:`page`, with the release and policy that every such page shows."""
    return page(
        template,
        period=source.period,
        span=words.span(source.period),
        release=source.release,
        sheet=f"Release {source.period} {source.release}",  # at the foot of every printed sheet
        policy=source.policy,
        **content,
    )
