"""The pages of ``docs/`` that are generated from the declarations. ``make contracts`` writes them."""

from __future__ import annotations

from pathlib import Path

from hcip_pipeline.guides.new_home import protocol_example
from hcip_pipeline.guides.pages import inbox_page, policy_page, rules_page

_ROOT = Path(__file__).resolve().parents[2]


def rendered() -> dict[Path, str]:
    """Every generated file: its path below the checkout, and its text."""
    docs = Path("docs")
    return {
        docs / "inbox.md": inbox_page(),
        docs / "policy.md": policy_page(),
        docs / "rules.md": rules_page(),
        docs / "protocol_example.yaml": protocol_example(),
    }


def main() -> None:
    """Write every generated file."""
    for path, text in rendered().items():
        (_ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
