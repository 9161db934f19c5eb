"""The norm table of a base year: computed once per policy version, then frozen (methodology §1, §6).

A table is kept in ``lake/norms/<key>/`` and never overwritten. The key covers everything in the policy that a norm
depends on, so another base year or another version gives another table. Late base-year data do not move a frozen norm;
the table's own manifest lists the files it was made from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.contracts import reference, run
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.periods import base_year_window
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.release.tables import write_parquet
from hcip_pipeline.warehouse.build import BuildResult, Progress, build
from hcip_pipeline.warehouse.spec import BuildSpec

#: the parameters that norms depend on, and ``norm_method``, which chooses one of the table's three methods: another
#: method gives another table too
NORM_PARAMETERS = (
    "version",
    "base_year",
    "cost_method",
    "exclusions",
    "surgical_fallback",
    "outlier_sd",
    "outlier_tails",
    "norm_method",
    "best_practice_percentile",
    "ceiling_percentile",
    "improvement_percentile",
    "min_cases_per_physician",
    "min_physicians_per_cell",
    "min_cases_per_cell",
    "incentive_rate",
)

_NORM_SOURCES = ("discharges", "charges", "receipts", *reference.TABLES)

#: the models that a norm table is made from; the rest of the project is computed per period
NORM_MODELS = "+norms +norm_physicians +norm_cases +exclusions +int_case_ledger +int_quality_cells"

_TABLE_MODELS = {
    "frozen_norms": "marts.norms",
    "frozen_norm_physicians": "marts.norm_physicians",
    "frozen_norm_cases": "marts.norm_cases",
    "frozen_exclusions": "marts.exclusions",
    "frozen_conservation": "intermediate.int_case_ledger",
    "frozen_quality_cells": "intermediate.int_quality_cells",
}


@dataclass(frozen=True)
class NormTable:
    """A frozen norm table: its folder, its inputs, and the build if the table was made just now."""

    folder: Path
    inputs: tuple[dict[str, Any], ...]
    build: BuildResult | None

    def not_among(self, files: Iterable[Mapping[str, Any]]) -> list[str]:
        """Those of the base year's files in force that the table was not made from; they do not move it."""
        known = {(item["file"], item["sha256"]) for item in self.inputs}
        return sorted(item["file"] for item in files if (item["file"], item["sha256"]) not in known)

    def sources(self) -> dict[str, list[Path]]:
        """The table's files by lake table, for the build of a period."""
        return {name: [self.folder / f"{name}.parquet"] for name in run.FROZEN}


def norm_key(policy: Policy) -> str:
    """``<base year>-<digest>`` over the policy's parameters that norms depend on and the tables' columns."""
    parameters = policy.model_dump(mode="json", include=set(NORM_PARAMETERS))
    columns = {name: table.names for name, table in run.FROZEN.items()}
    digest = hashlib.sha256(json.dumps([parameters, columns], sort_keys=True).encode()).hexdigest()
    return f"{policy.base_year}-{digest[:16]}"


def norm_spec(spec: BuildSpec) -> BuildSpec:
    """The build that makes the norm table, from one with the base year's sources."""
    return replace(
        spec,
        name=f"base-year-{spec.policy.base_year}",
        kind="norms",
        windows=(base_year_window(spec.policy.base_year),),
        elections={},
        sources={name: source for name, source in spec.sources.items() if name in _NORM_SOURCES},
    )


def norm_build(
    home: Home, policy: Policy, spec: BuildSpec, *, threads: int | None = None, progress: Progress | None = None
) -> BuildResult:
    """Build the models behind a norm table in the home's warehouse. Raises HcipError if a check fails."""
    folder = home.warehouse / f"norms-{norm_key(policy)}"
    return build(norm_spec(spec), folder, threads=threads, select=NORM_MODELS, progress=progress)


def norm_frames(built: BuildResult) -> dict[str, pl.DataFrame]:
    """The frozen tables, from the build that made them; rows ordered by key."""
    frames = {}
    with duckdb.connect(built.file, read_only=True) as connection:
        for name, table in run.FROZEN.items():
            columns = ", ".join(f'"{column}"' for column in table.names)
            frames[name] = connection.sql(f"select {columns} from {_TABLE_MODELS[name]}").pl()
    return {name: frame.sort(run.FROZEN[name].key) for name, frame in frames.items()}


def norm_table(
    home: Home,
    policy: Policy,
    base_year_spec: Callable[[], tuple[BuildSpec, Sequence[Mapping[str, Any]]]],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> NormTable:
    """The policy's norm table, made if there is none.

    Args:
        base_year_spec: returns a build with the base year's sources, and its input files with their hashes; called
            only if the table must be made.

    Raises:
        HcipError: a check of the build failed.
    """
    frozen = frozen_norm_table(home, policy)
    if frozen is not None:
        return frozen
    folder = home.lake / "norms" / norm_key(policy)
    spec, inputs = base_year_spec()
    built = norm_build(home, policy, spec, threads=threads, progress=progress)
    _freeze(folder, norm_frames(built), policy, inputs)
    return NormTable(folder, _manifest_inputs(folder), built)


def frozen_norm_table(home: Home, policy: Policy) -> NormTable | None:
    """The policy's norm table, if it exists."""
    folder = home.lake / "norms" / norm_key(policy)
    return NormTable(folder, _manifest_inputs(folder), None) if (folder / "manifest.json").exists() else None


def _manifest_inputs(folder: Path) -> tuple[dict[str, Any], ...]:
    return tuple(read_record(folder / "manifest.json", "inputs")["inputs"])


def _freeze(
    folder: Path, frames: Mapping[str, pl.DataFrame], policy: Policy, inputs: Sequence[Mapping[str, Any]]
) -> None:
    """Write under another name and rename, so that a table is complete or absent."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name, frame in frames.items():
        write_parquet(frame, work / f"{name}.parquet")
    manifest = {
        "parameters": policy.model_dump(mode="json", include=set(NORM_PARAMETERS)),
        "inputs": list(inputs),
        "tables": {name: frame.height for name, frame in frames.items()},
    }
    (work / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    try:
        os.rename(work, folder)  # noqa: PTH104 - Path.rename would replace an empty folder
    except OSError:
        if not (folder / "manifest.json").exists():
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
