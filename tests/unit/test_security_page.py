"""docs/SECURITY.md names tests: each is there."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_it_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (_ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")))
    assert len(named) >= 15
    assert named <= {path.stem for path in (_ROOT / "tests").rglob("test_*.py")}
