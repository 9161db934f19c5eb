"""A finding of the guardrails asks for a review and changes no payment."""

from __future__ import annotations

import re

from hcip_pipeline.warehouse.project import PROJECT

_REFERENCE = re.compile(r"ref\('(\w+)'\)")


def test_no_amount_of_the_waterfall_depends_on_a_guardrail() -> None:
    models = {path.stem: path.read_text(encoding="utf-8") for path in (PROJECT / "models").rglob("*.sql")}
    reached, waiting = set[str](), {"incentives", "distribution_limits", "savings", "conditions"}
    while waiting:
        reached |= waiting
        waiting = {ref for name in waiting for ref in _REFERENCE.findall(models[name])} - reached
    assert "int_waterfall_2_conditions" in reached
    assert not {name for name in reached if "guardrail" in name}
