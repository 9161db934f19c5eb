"""The explorer as a file: which scripts its page may run, and that its data are the release's and no one else's."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.html_pages import show_controls
from hcip_pipeline.release.reading import ReleaseFiles
from tests.released_state import A, B, C, released, unreleased  # noqa: F401 - fixtures
from tests.scenario import npi

_SCRIPTS = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def _read(released: Path, hospital: str) -> str:  # noqa: F811
    return (released / "reports" / hospital / "explorer.html").read_bytes().decode()


def _data(released: Path, hospital: str) -> dict[str, Any]:  # noqa: F811
    (data,) = _DATA.findall(_read(released, hospital))
    return json.loads(data)  # type: ignore[no-any-return]


def test_only_the_pages_own_scripts_may_run_and_nothing_is_loaded(released: Path) -> None:  # noqa: F811
    text = _read(released, A)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    scripts = _SCRIPTS.findall(text)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(scripts) == 4 and "default-src 'none'" in policy and "unsafe-eval" not in policy
    assert re.findall(r"sha256-([^']+)", policy) == digests
    markup = _SCRIPTS.sub("", text)
    assert not re.search(r"<(link|img|iframe|script)\b[^>]*\b(src|href)=", markup) and "url(http" not in markup
    assert "sourceMappingURL" not in text
    assert len(text) < 3_000_000


@pytest.mark.parametrize("hospital", [A, B, C])
def test_the_explorers_data_equal_the_releases(released: Path, hospital: str) -> None:  # noqa: F811
    files, data = ReleaseFiles.at(released), _data(released, hospital)
    cases = files.table("incentive_cases", hospital)
    assert len(data["cases"]) == cases.height
    reported = sorted((data["people"][case[0]][1], case[3], case[5]) for case in data["cases"])
    rows = cases.select("npi", "cost", "performance_incentive").iter_rows()
    assert reported == sorted((who, int(cost * 100), int(paid * 100)) for who, cost, paid in rows)
    final = dict(files.table("incentives", hospital).select("npi", "final_incentive").iter_rows())
    columns = [column[0] for column in data["columns"]["partners"]]
    assert {row[columns.index("npi")]: Decimal(row[columns.index("final")]) / 100 for row in data["partners"]} == final
    lines = files.table("opportunity", hospital).filter(pl.col("level") == "service_line")
    assert {row[0]: row[1] for row in data["lines"]} == dict(lines.select("service_line", "cases").iter_rows())


def test_the_explorer_names_no_patient_and_only_care_partners(released: Path) -> None:  # noqa: F811
    files = ReleaseFiles.at(released)
    for hospital in (A, B, C):
        (data,) = _DATA.findall(_read(released, hospital))
        assert npi(9) not in data
        for account in files.table("incentive_cases", hospital)["account_no"]:
            assert f'"{account}"' not in data
        names = [show_controls(row[0]) for row in _data(released, hospital)["people"]]
        assert (
            all(name in json.loads(json.dumps(names)) for name in names) and "\u202e" not in json.loads(data)["people"]
        )


def test_the_norms_physicians_are_the_published_ones(released: Path) -> None:  # noqa: F811
    files = ReleaseFiles.at(released)
    public = files.table("norm_physicians", folder="norms")
    means: dict[str, list[int]] = {}
    for row in public.iter_rows(named=True):
        key = f"{row['apr_drg']}-{row['severity_of_illness']}"
        means.setdefault(key, []).append(int(row["physician_mean_cost"] * 100))
    dots = _data(released, A)["dots"]
    assert dots and all(dot[2] == means.get(key, []) for key, dot in dots.items())
