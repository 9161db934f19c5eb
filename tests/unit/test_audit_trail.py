"""docs/audit_trail.md names a test for every way to forge something; every named test exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_row_names_a_test_that_exists() -> None:
    text = (ROOT / "docs" / "audit_trail.md").read_text(encoding="utf-8")
    table = text.partition("## Who can forge what")[2].partition("What nothing here finds")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| what is")]
    assert len(rows) > 15
    files = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    defined = {name for text in files for name in re.findall(r"def (test_\w+)", text)}
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named and set(named) <= defined, row
