"""When each hospital's program began (methodology §15), from all versions of its protocols and approved corrections.

Lake: ``lake/protocols/<ccn>/<year>.r<n>.yaml`` are all versions that were ever accepted, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from hcip_pipeline.files.yaml_files import load_yaml
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.protocol_checks import ProgramStart


def kept_versions(folder: Path, year: int) -> dict[int, Path]:
    """The accepted versions of a year's protocol in a hospital's folder of the lake, by number."""
    versions = {}
    for file in folder.glob(f"{year}.r*.yaml") if folder.is_dir() else ():
        if match := re.fullmatch(rf"{year}\.r([0-9]+)", file.stem):
            versions[int(match[1])] = file
    return versions


def program_starts(home: Home, period: PerformancePeriod) -> dict[str, ProgramStart]:
    """Hospital -> when its program began, as known for ``period``.

    Protocols of later years and corrections filed for later periods are left out. Protocols are ordered by year, then
    by version.
    """
    named: dict[str, list[str]] = {}
    root = home.lake / "protocols"
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        years = sorted({int(file.stem[:4]) for file in folder.glob("[0-9][0-9][0-9][0-9].r*.yaml")})
        for year in (year for year in years if year <= period.year):
            for _, file in sorted(kept_versions(folder, year).items()):
                content = load_yaml(file, "implementation protocol")
                named.setdefault(folder.name, []).append(str(content["first_performance_period"]))
    corrected = _corrections(home, period)
    return {
        ccn: start_of(named.get(ccn, ()), *corrected.get(ccn, (None, None)))
        for ccn in sorted(named.keys() | corrected.keys())
    }


def start_of(named: Sequence[str], corrected: str | None = None, filed_in: str | None = None) -> ProgramStart:
    """The start of a program.

    Args:
        named: the first performance period that each accepted protocol names, in order.
        corrected: the one that an approved correction names.
        filed_in: the period of the program folder with the correction.
    """
    first = named[0] if named else None
    others = tuple(sorted({other for other in named if other != first}))
    return ProgramStart(first, others, corrected, filed_in)


def _corrections(home: Home, period: PerformancePeriod) -> Mapping[str, tuple[str, str]]:
    """Hospital -> the period of its newest correction, and where it was filed."""
    found: dict[str, tuple[str, str]] = {}
    for folder in sorted((home.lake / "program").glob("period=*H[12]")):
        filed_in = folder.name.removeprefix("period=")
        file = folder / "program_corrections.parquet"
        if PerformancePeriod.parse(filed_in) <= period and file.exists():
            rows = pl.read_parquet(file, columns=["hospital_ccn", "first_performance_period"])
            found |= {ccn: (first, filed_in) for ccn, first in rows.iter_rows()}
    return found
