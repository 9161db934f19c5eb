"""Runs of ``hcip synth``: repeated seeds, other formats, failures and a whole state."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic import StateArguments, generate_state
from hcip_pipeline.synthetic.files import FileFormat

pytestmark = pytest.mark.slow

SMALL = {"hospitals": 2, "discharges_per_year": 1_000, "start": Quarter(2024, 4), "end": Quarter(2025, 1)}


def _hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file, except the record that names the state's folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "state.json"
    }


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads_and_the_processor(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hcip_pipeline.periods import Quarter;"
        "from hcip_pipeline.synthetic import StateArguments, generate_state;"
        "generate_state(Path(sys.argv[1]), StateArguments(hospitals=2, discharges_per_year=1000,"
        " start=Quarter(2024, 4), end=Quarter(2025, 1), seed=5))"
    )
    vector_units = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    # Simulate an older processor with numpy: exp(), for one, gives other last digits there.
    environment = os.environ | {"POLARS_MAX_THREADS": "1", "NPY_DISABLE_CPU_FEATURES": " ".join(vector_units)}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, tmp_path / "a" / "inbox"], env=environment, check=True)
    generate_state(tmp_path / "b" / "inbox", StateArguments(**SMALL, seed=5))
    generate_state(tmp_path / "c" / "inbox", StateArguments(**SMALL, seed=6))
    first, again, other = (_hashes(tmp_path / name) for name in "abc")
    assert first == again
    assert any(name.startswith("inbox/cms/") for name in first)
    assert set(first) != set(other) or all(first[n] != other[n] for n in first if n.endswith("discharges.csv"))


@pytest.fixture(scope="module")
def small_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small state in CSV."""
    folder = tmp_path_factory.mktemp("csv")
    generate_state(folder / "inbox", StateArguments(**SMALL, seed=5, cms=False))
    return folder


@pytest.mark.parametrize("file_format", ["csv.gz", "parquet"])
def test_another_format_has_the_same_rows(small_csv: Path, tmp_path: Path, file_format: FileFormat) -> None:
    generate_state(tmp_path / "inbox", StateArguments(**SMALL, seed=5, cms=False, file_format=file_format))
    paths = sorted(small_csv.glob("inbox/hospital/*/*/*.csv"))
    assert paths
    for path in paths:
        other = tmp_path / path.relative_to(small_csv).with_suffix(f".{file_format}")
        found = pl.read_parquet(other) if file_format == "parquet" else pl.read_csv(other, infer_schema=False)
        if file_format == "parquet":
            contract = DISCHARGES if path.stem == "discharges" else CHARGES
            assert found.schema == contract.schema
        expected = pl.read_csv(path, infer_schema=False)
        assert found.with_columns(pl.all().cast(pl.String)).equals(expected)


def test_a_run_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_state(tmp_path / "inbox", StateArguments(**SMALL, seed=1, cms=False), stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hospitals": 99}, "1 to 46 hospitals"),
        ({"hospitals": 0}, "1 to 46 hospitals"),
        ({"discharges_per_year": 50}, "too few for 2 hospitals"),
        ({"end": Quarter(2024, 3)}, "is before"),
        ({"seed": -1}, "not a seed"),
        ({"file_format": "xlsx"}, "not a file format"),
        ({"defects": True, "file_format": "parquet"}, "parquet cannot contain"),
        ({"defects": True}, "no room for every fault"),
    ],
)
def test_impossible_options_are_refused(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    arguments = SMALL | {"seed": 1} | changed
    with pytest.raises(UsageError, match=message) as caught:
        generate_state(tmp_path / "inbox", StateArguments(**arguments))  # type: ignore[arg-type]
    assert caught.value.fix
    assert list(tmp_path.iterdir()) == []


def test_a_whole_state_is_parquet_and_a_year_of_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--state`` with fewer hospitals and discharges: given sizes override its own."""
    inbox = tmp_path / "inbox"
    monkeypatch.setattr("hcip_pipeline.synthetic.state.STATE_BENEFICIARIES", 3_000)
    cli.main(["synth", str(inbox), "--state", "--hospitals", "1", "--discharges-per-year", "300", "--json"])
    assert len(list((inbox / "hospital").glob("*/*/charges.parquet"))) == 12
    assert not list((inbox / "hospital").rglob("*.csv"))
    months = sorted(path.name for path in (inbox / "cms").iterdir())
    assert (len(months), months[0], months[-1]) == (12, "2025-04", "2026-03")
