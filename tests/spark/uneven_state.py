"""An extremely uneven state: one hospital has nearly every case, one has none, and all cases are in one cell."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic import StateArguments, generate_state

#: heart failure, severity 2
CELL = ("194", "2")
_KEPT_OF_SMALL = 8


def uneven_state(inbox: Path) -> tuple[str, str, str]:
    """Write the inbox; returns the large, the small and the empty hospital."""
    generate_state(
        inbox,
        StateArguments(
            hospitals=3, discharges_per_year=1_500, start=Quarter(2024, 1), end=Quarter(2025, 2), seed=19, cms=False
        ),
    )
    sizes = {
        folder.name: pl.read_csv(folder / "discharges.csv", infer_schema=False).height
        for folder in sorted((inbox / "hospital" / "2025Q1").iterdir())
    }
    large, small, empty = sorted(sizes, key=lambda ccn: -sizes[ccn])
    for quarter in sorted((inbox / "hospital").iterdir()):
        for folder in quarter.iterdir():
            if folder.name == empty:  # a file without rows is refused: a hospital without cases sends nothing
                shutil.rmtree(folder)
            else:
                _rewrite(folder, None if folder.name == large else _KEPT_OF_SMALL)
    policy = inbox / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("require_complete: hospitals", "require_complete: none"), encoding="utf-8")
    return large, small, empty


def _rewrite(folder: Path, kept: int | None) -> None:
    """Keep the first ``kept`` discharges (None: all) with their charges, and put all of them into :data:`CELL`."""
    (folder / "control_totals.json").unlink()
    discharges = pl.read_csv(folder / "discharges.csv", infer_schema=False)
    charges = pl.read_csv(folder / "charges.csv", infer_schema=False)
    drg, severity = CELL
    left = discharges.head(discharges.height if kept is None else kept).with_columns(
        apr_drg=pl.lit(drg), severity_of_illness=pl.lit(severity)
    )
    left.write_csv(folder / "discharges.csv")
    charges.join(left, on=("hospital_ccn", "account_no"), how="semi", maintain_order="left").write_csv(
        folder / "charges.csv"
    )
