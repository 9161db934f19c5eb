"""The shipped layout equals the one that Texas publishes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hcip_pipeline.contracts.public_layouts import read_layouts

PLACES = [path / "shared/data/formats/texas_pudf/layout_2019.csv" for path in Path(__file__).parents]
FILE = next((path for path in PLACES if path.is_file()), PLACES[0])


@pytest.mark.skipif(not FILE.exists(), reason="the published layout is not next to the checkout")
def test_the_layout_is_the_published_one() -> None:
    with FILE.open() as file:
        rows = [
            (row["file"].removesuffix("_type"), row["field"], int(row["start"]), int(row["length"]))
            for row in csv.DictReader(file)
        ]
    own = [
        (table, field.name, field.start, field.width)
        for table, (layout,) in read_layouts("texas_pudf").items()
        for field in layout.fields
    ]
    assert own == rows
