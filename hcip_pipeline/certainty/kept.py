"""A period's certainty tables, kept next to its build until its release is written.

Belongs here: keeping them, and returning them for the same build. Does not belong here: computing them
(``assessment``).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl

from hcip_pipeline.certainty.assessment import Assessed
from hcip_pipeline.files.atomic import write_json
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.tables import write_parquet

_RECORD = "tables.json"


def _folder(home: Home, period: PerformancePeriod) -> Path:
    return home.warehouse / str(period) / "certainty"


def keep_tables(home: Home, period: PerformancePeriod, build_digest: str, tables: Assessed) -> Path:
    """Keep the tables of the build with the digest ``build_digest``, replacing those of any other."""
    folder = _folder(home, period)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, frame in tables.items():
        write_parquet(frame, folder / f"{name}.parquet")
    write_json({"build": build_digest, "tables": sorted(tables)}, folder / _RECORD)
    return folder


def kept_tables(home: Home, period: PerformancePeriod, build_digest: str) -> Assessed | None:
    """The tables of the build with the digest ``build_digest``; None if they are not kept."""
    folder = _folder(home, period)
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if record["build"] != build_digest:
            return None
        return {name: pl.read_parquet(folder / f"{name}.parquet") for name in record["tables"]}
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None
