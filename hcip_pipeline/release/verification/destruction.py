"""Which files of a release a record of destruction may cover, and from which day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import yaml

#: tables with a row per case; everything else is an aggregate or a payment, and stays
_PATIENT_TABLES = ("incentive_cases", "baseline_cases", "guardrail_cases", "norm_cases", "post_acute")
_TABLE = re.compile(rf"[a-z_]+/HCIP_[^_/]+_({'|'.join(_PATIENT_TABLES)})_[0-9]{{4}}H[12]_r[0-9]+\.(csv|parquet)")
_PAGE = re.compile(r"reports/[^/]+/(physicians/[^/]+|explorer\.html)")
_RETENTION = re.compile(r"retention of ([0-9]+) years ended on ([0-9]{4}-[0-9]{2}-[0-9]{2})")
_AGREEMENT = re.compile(r".+ ended on ([0-9]{4}-[0-9]{2}-[0-9]{2})")
#: retention of a policy that does not state it
_YEARS = 10


def may_be_destroyed(manifest: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether a record may name this file.

    Args:
        manifest: the release's manifest, with its period.
        entry: the record's entry: ``path``, ``reason`` and ``as_of``, the day on which the file was destroyed.
    """
    path, reason = str(entry["path"]), str(entry["reason"])
    if not (_TABLE.fullmatch(path) or _PAGE.fullmatch(path)):
        return False
    as_of = dt.date.fromisoformat(str(entry["as_of"]))
    if match := _RETENTION.fullmatch(reason):
        years, last = int(match[1]), dt.date.fromisoformat(match[2])
        return years == _years(manifest) and last == _end(str(manifest["period"]), years) and as_of > last
    agreement = _AGREEMENT.fullmatch(reason)
    return agreement is not None and as_of > dt.date.fromisoformat(agreement[1])


def _years(manifest: Mapping[str, Any]) -> int:
    try:
        written = yaml.safe_load(str(manifest["policy"]["text"]))
        return int(written.get("retention_years", _YEARS))
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        return _YEARS


def _end(period: str, years: int) -> dt.date:
    """The last day of a half-year, ``years`` years later."""
    return dt.date(int(period[:4]) + years, *((6, 30) if period.endswith("1") else (12, 31)))
