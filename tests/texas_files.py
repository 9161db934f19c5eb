"""Small invented quarters of Texas's public use data file, and ways to change them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from hcip_pipeline.contracts.public_layouts import read_layouts
from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic.texas_pudf import write_texas_pudf

TABLES = ("base1", "base2", "charges", "facility")
Q1 = Quarter(2019, 1)
DISCHARGES = 120


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fixed-width quarter without late discharges or cells marked invalid."""
    folder = tmp_path_factory.mktemp("pudf")
    write_texas_pudf(folder, [Q1], discharges=DISCHARGES, hospitals=3)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy of the quarter to change."""
    return Path(shutil.copytree(published, tmp_path / "pudf"))


def file_of(folder: Path, table: str, quarter: str = "1q2019") -> Path:
    """The file of a table, in either form."""
    return next(path for path in folder.iterdir() if f"_{table}_{quarter}" in path.name)


def cell(folder: Path, table: str, row: int, field: str) -> str:
    """A cell of a fixed-width file; ``row`` is the line, from 1."""
    place = _place(table, field)
    return file_of(folder, table).read_text().splitlines()[row - 1][place].strip()


def spoil(folder: Path, table: str, row: int, cells: Mapping[str, str]) -> None:
    """Put other text into cells of a fixed-width file."""
    path = file_of(folder, table)
    lines = path.read_text().splitlines()
    for field, text in cells.items():
        place = _place(table, field)
        width = place.stop - place.start
        lines[row - 1] = lines[row - 1][: place.start] + text.ljust(width)[:width] + lines[row - 1][place.stop :]
    path.write_text("\n".join(lines) + "\n")


def _place(table: str, field: str) -> slice:
    found = next(each for each in read_layouts("texas_pudf")[table][0].fields if each.name == field)
    return slice(found.start - 1, found.start - 1 + found.width)
