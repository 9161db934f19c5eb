"""Running only the quality models on discharges: stays given in a test, or an invented state's.

Belongs here: the frames and the build. Does not belong here: expected results.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.periods import PerformancePeriod, base_year_window
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.warehouse.spec import BuildSpec
from tests import settlement_models
from tests.scenario import npi, table

A, B, C = "210001", "210002", "210003"
GROUPER = "41"


@dataclass(frozen=True)
class Stay:
    """One abstract: patient, hospital and dates; by default discharged home, an emergency admission, severity 2."""

    patient: str
    hospital: str
    admitted: dt.date
    discharged: dt.date
    disposition: str = "01"
    nature: str = "3"
    source: str = "01"
    procedures: str = ""
    apr_drg: str = "139"
    severity: str = "2"
    hac_flags: str = ""
    physician: int = 1


def discharges(stays: Iterable[Stay]) -> pl.DataFrame:
    """The stays as a table of the lake; accounts are numbered from A1 in the given order."""
    return table(
        "discharges",
        [
            {
                "hospital_ccn": stay.hospital,
                "account_no": f"A{number}",
                "patient_id": stay.patient or None,
                "admit_date": stay.admitted,
                "discharge_date": stay.discharged,
                "discharge_year": stay.discharged.year,
                "length_of_stay": max(1, (stay.discharged - stay.admitted).days),
                "nature_of_admission": stay.nature,
                "source_of_admission": stay.source,
                "discharge_disposition": stay.disposition,
                "attending_npi": npi(stay.physician),
                "operating_npi": npi(stay.physician),
                "identifier_type": "NPI",
                "procedures": stay.procedures or None,
                "grouper_version": GROUPER,
                "apr_drg": stay.apr_drg,
                "severity_of_illness": stay.severity,
                "hac_flags": stay.hac_flags or None,
            }
            for number, stay in enumerate(stays, start=1)
        ],
    )


def _codes(codes: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    return table(
        "apr_drg",
        [
            {"grouper_version": GROUPER, "apr_drg": code, "label": code, "mdc": mdc, "type": kind, "service_line": code}
            for code, (mdc, kind) in codes.items()
        ],
    )


def spec(frame: pl.DataFrame, sources: Mapping[str, Any], period: str = "2025H1", base_year: int = 2023) -> BuildSpec:
    """A half-year, and the same half of the previous year, over ``frame``."""
    half = PerformancePeriod.parse(period)
    return BuildSpec(
        name=period,
        kind="period",
        windows=(half.window, half.baseline("same_half")),
        policy=Policy(version="quality", base_year=base_year, cost_method="reported"),
        sources={"discharges": frame} | dict(sources),
    )


def stays_spec(stays: Sequence[Stay], period: str = "2025H1", **sources: Any) -> BuildSpec:
    """Stays at three hospitals: 139 medical, 301 surgical, 640 newborn, 753 psychiatric, 860 rehabilitation."""
    codes = {"139": ("04", "M"), "301": ("08", "P"), "640": ("15", "M"), "753": ("19", "M"), "860": ("23", "M")}
    tables = {
        "apr_drg": _codes(codes),
        "hospitals": table(
            "hospitals", [{"ccn": ccn, "name": ccn, "acute": "Y", "county": "Here"} for ccn in (A, B, C)]
        ),
        **{name: load_reference(None)[name] for name in ("quality_targets", "network_topics")},
    }
    return spec(discharges(stays), tables | sources, period)


def state_spec(folder: Path, period: str = "2025H1", base_year: int = 2023) -> BuildSpec:
    """An invented state (Parquet submissions), with the base year's cells and every certified list of care partners."""
    files = sorted(folder.glob("inbox/hospital/*/*/discharges.parquet"))
    sent = pl.concat([pl.read_parquet(path) for path in files])
    stay = (pl.col("discharge_date") - pl.col("admit_date")).dt.total_days()
    frame = sent.with_columns(
        pl.col("discharge_date").dt.year().cast(pl.Int64).alias("discharge_year"),
        pl.max_horizontal(stay, 1).alias("length_of_stay"),
        pl.lit("NPI").alias("identifier_type"),
        *(pl.lit(name).alias(name) for name in ("submission", "source_file")),
        pl.lit(1).alias("source_row"),
    ).select(LAKE_SOURCES["discharges"].names)
    reference = load_reference(folder / "inbox")
    names = ("hospitals", "apr_drg", "networks", "quality_targets", "network_topics")
    sources: dict[str, Any] = {name: reference[name] for name in names}
    partners = pl.read_csv(folder / "inbox" / "program" / period / "care_partners.csv", infer_schema=False)
    sources["care_partners"] = table("care_partners", partners.select("hospital_ccn", "npi", "name").to_dicts())
    made = spec(frame, sources, period, base_year)
    return with_cells(made)


def with_cells(of: BuildSpec) -> BuildSpec:
    """The same with the frozen cells of its base year."""
    year = replace(of, kind="norms", windows=(base_year_window(of.policy.base_year),))
    with settlement_models.part(year, ["int_quality_cells"]) as connection:
        cells = connection.sql("from intermediate.int_quality_cells").pl()
    return replace(of, sources=dict(of.sources) | {"frozen_quality_cells": cells})


def run(of: BuildSpec, *names: str) -> duckdb.DuckDBPyConnection:
    """Compute the named models and all that they refer to."""
    connection = settlement_models.part(of, names, threads=2)
    connection.execute("set search_path = 'marts,intermediate,staging,lake'")
    return connection
