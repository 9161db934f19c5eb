"""Damaged files of the lake: they are named, and ingested again if the inbox still has their source."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hcip_pipeline.assets.execution import ingest, settle
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.publishing.writer import releases_of
from tests.settled_home import PERIOD

pytestmark = pytest.mark.slow


def _damage(path: Path) -> None:
    """Change one bit of the data without changing the file's length."""
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("sealed", [True, False], ids=["one bit changed", "cut off, taken in before seals"])
def test_a_damaged_file_of_the_lake_is_named_and_ingested_again(editable_home: Home, sealed: bool) -> None:
    home = editable_home
    path = sorted(home.lake_hospital("charges", "2025Q1").glob("*.parquet"))[0]
    whole = path.read_bytes()
    if sealed:
        _damage(path)
    else:
        shutil.rmtree(home.lake / "seals")
        path.unlink()
        path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HcipError) as raised:
        settle(home, PERIOD)
    assert raised.value.rule == "LAKE-DAMAGED"
    assert f"hospital/charges/quarter=2025Q1/{path.name}" in raised.value.message
    assert not releases_of(home, PERIOD)
    assert not ingest(home, ["2025Q1"]).problems, "the next run begins with the same step"
    assert path.read_bytes() == whole


def test_a_damaged_norm_table_stops_every_run_and_is_not_rebuilt(editable_home: Home) -> None:
    home = editable_home
    path = next(home.lake.glob("norms/*/frozen_norms.parquet"))
    _damage(path)
    for _ in range(2):
        with pytest.raises(HcipError, match=r"frozen_norms\.parquet is not what was ingested") as raised:
            settle(home, PERIOD)
        assert "backup" in raised.value.fix
    assert path.exists()
