"""The pages for people who change the code name files, packages and folders that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("architecture.md", "CONTRIBUTING.md")
#: the file that the worked examples add
_EXAMPLE = "peer_review"
_LONGEST = 200


def _text(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    named = set(re.findall(r"`([\w./-]+\.(?:py|yaml|yml|sql|j2|md|toml))`", _text(page)))
    assert named
    known = [
        str(path.relative_to(ROOT))
        for name in ("hcip_pipeline", "dbt_project", "tests", "docs")
        for path in (ROOT / name).rglob("*.*")
    ]
    known += ["pyproject.toml", "workspace.yaml"]
    given = {"policy.yaml", "datapackage.json"}
    gone = {name for name in named - given if _EXAMPLE not in name and not any(path.endswith(name) for path in known)}
    assert sorted(gone) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_read_in_one_sitting(page: str) -> None:
    assert len(_text(page).splitlines()) < _LONGEST


def test_the_map_names_every_package_and_every_folder_of_models() -> None:
    page = _text("architecture.md")
    packages = {path.parent.name for path in (ROOT / "hcip_pipeline").glob("*/__init__.py")}
    folders = {path.name for path in (ROOT / "dbt_project/models/intermediate").iterdir() if path.is_dir()}
    assert sorted(name for name in packages | folders if not re.search(rf"\b{name}\b", page)) == []


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links {target}"
