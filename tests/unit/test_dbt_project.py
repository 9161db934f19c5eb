"""The parsed dbt project: stored outside the installed package, shared by processes, with clear errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.warehouse import project


def _state(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def test_the_cache_folder_belongs_to_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HCIP_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert project.cache_folder() == tmp_path / "hcip"
    monkeypatch.setenv("HCIP_CACHE", str(tmp_path / "elsewhere"))
    assert project.cache_folder() == tmp_path / "elsewhere"


@pytest.mark.slow
def test_loading_writes_neither_the_project_nor_the_cache() -> None:
    folder = project.target_folder()
    before = _state(project.PROJECT), _state(folder)
    project._load.cache_clear()
    assert project.parsed_project().nodes
    assert (_state(project.PROJECT), _state(folder)) == before


def test_a_cache_that_cannot_be_written_is_an_error_with_a_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "cache"
    file.write_text("not a folder")
    monkeypatch.setenv("HCIP_CACHE", str(file))
    with pytest.raises(HcipError, match="cannot be written") as refused:
        project.target_folder()
    assert "HCIP_CACHE" in refused.value.fix
