"""Pages of the intake: self-contained HTML, no network, everything escaped, fit to print.

Belongs here: what the templates beside this file are given. Does not belong here: figures of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader

from hcip_pipeline.html_pages import page_environment
from hcip_pipeline.intake.hospital.told import findings_told

if TYPE_CHECKING:
    from hcip_pipeline.intake.hospital.preflight import CheckResult, Finding


@cache
def _environment() -> Environment:
    loader = PackageLoader("hcip_pipeline.intake.hospital", "templates")
    environment = page_environment(loader, lstrip_blocks=False)
    environment.filters["dollars"] = lambda amount: f"${amount:,.2f}"
    environment.filters["number"] = lambda count: f"{int(count):,}"
    environment.filters["percent"] = lambda rate: "–" if rate is None else f"{rate * 100:.2f}%"
    environment.filters["sentence"] = lambda words: words[:1].upper() + words[1:]
    return environment


def check_page(result: CheckResult) -> str:
    """The verdict of a preflight with every broken rule and row."""
    template = _environment().get_template("check.html.j2")
    told = findings_told(result)
    by_rule: dict[str, list[Finding]] = {}
    for finding in result.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    kept_out = "Rows that are quarantined" if result.accepted else "Rows that break an ERROR rule"
    warned = "Rows that are accepted with a warning" if result.accepted else "Rows that are worth a look"
    sections = [
        (title, style, [finding for finding in told if finding.weight in weights])
        for title, style, weights in (
            ("Why it is refused", "bad", ("refuses",)),
            (kept_out, "bad", ("error", "follows")),
            (warned, "warn", ("warning",)),
            ("Worth knowing", "", ("said",)),
        )
    ]
    return template.render(result=result, receipt=result.receipt, told=told, sections=sections, by_rule=by_rule)


def quality_page(title: str, subtitle: str, sections: Sequence[Mapping[str, Any]]) -> str:
    """Rates by rule; ``sections`` hold a heading, receipts (``versions``), the one ``in_force``, and rows of
    ``quality.data_quality``, worst first."""
    return _environment().get_template("data_quality.html.j2").render(title=title, subtitle=subtitle, sections=sections)
