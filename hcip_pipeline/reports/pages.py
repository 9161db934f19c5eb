"""The templates' environment: one look for every page, everything escaped.

Belongs here: filters and loading. Does not belong here: what a page shows.
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
    """One for all pages: what their templates share is compiled once."""
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
    """A page as UTF-8 with a final line end; blank lines left by the template's own lines are gone."""
    text = _environment().get_template(template).render(content)
    return ("\n".join(line for line in text.splitlines() if line.strip()) + "\n").encode()


def release_page(source: ReportSource, template: str, **content: Any) -> bytes:
    """A page about a release: as :func:`page`, with what every such page states of its release and policy."""
    return page(
        template,
        period=source.period,
        span=words.span(source.period),
        release=source.release,
        sheet=f"Release {source.period} {source.release}",  # at the foot of every printed sheet
        policy=source.policy,
        **content,
    )
