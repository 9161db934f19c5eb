"""The page of file shapes names rules that exist, and every rule that reports a shape."""

from __future__ import annotations

import re
from pathlib import Path

from hcip_pipeline.rules.files import RULES as TABLE_RULES
from hcip_pipeline.rules.hospital import RULES

PAGE = Path(__file__).parents[2] / "docs" / "file_shapes.md"


def test_the_page_names_the_rules_that_there_are() -> None:
    named = set(re.findall(r"`([A-Z]+(?:-[A-Z0-9]+)+|PLACEHOLDER)`", PAGE.read_text(encoding="utf-8")))
    assert named - set(RULES) - set(TABLE_RULES) == set()
    forms = {rule for rule in RULES if rule.startswith("D-") and rule.endswith(("-FORM", "PLACEHOLDER", "-PADDED"))}
    assert forms <= named
