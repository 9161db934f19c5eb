"""Generated pages are current, and every cited section number is a section of the shipped methodology."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from hcip_pipeline.guides import render
from hcip_pipeline.guides.policy_worth import TRIED
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.simulation.scenarios import PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "hcip_pipeline"


@pytest.mark.parametrize("path", sorted(render.rendered()), ids=str)
def test_a_generated_page_is_current(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == render.rendered()[path], "run `make contracts`"


def test_every_cited_section_exists_in_the_methodology() -> None:
    page = (ROOT / "docs" / "methodology.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^## ([0-9]+)\. ", page, re.M))
    assert sections == {str(n) for n in range(16)}
    for folder, endings in ((PACKAGE, ("py", "sql", "j2", "yml", "yaml", "csv")), (ROOT / "docs", ("md",))):
        for path in (file for ending in endings for file in folder.rglob(f"*.{ending}")):
            cited = set(re.findall(r"§ ?([0-9]+)", path.read_text(encoding="utf-8")))
            assert cited <= sections, f"{path} cites §{', §'.join(sorted(cited - sections))}"


def test_the_methodology_names_every_key_of_the_policy() -> None:
    page = (ROOT / "docs" / "methodology.md").read_text(encoding="utf-8")
    table = page[page.index("## 13. ") : page.index("## 14. ")]
    assert all(f"`{key}`" in table for key in Policy.model_fields)


def test_the_worth_of_every_key_that_a_simulation_can_change_is_measured() -> None:
    measured = {row["key"] for row in csv.DictReader((PACKAGE / "guides/data/policy_worth.csv").open(encoding="utf-8"))}
    assert measured == set(TRIED) == set(PARAMETERS) - {"exclusions"}


def test_links_between_pages_have_a_target() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
