"""A page for exploring a hospital's release, from the institution down to single cases, without a network.

The page contains its data and its libraries. Its content security policy lists each script by hash, so that no other
script runs. All figures are part of its data, rounded as in the reports; the page's script sorts, filters and draws
them.

Belongs here: the page's data and their format. Does not belong here: the page's own script
(``templates/explorer.js``), and data that identify patients: cases have no account numbers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources
from typing import Any

import polars as pl
from markupsafe import Markup

from hcip_pipeline.html_pages import show_controls
from hcip_pipeline.reports import words
from hcip_pipeline.reports.figures import ReportSource, Row
from hcip_pipeline.reports.levels import over_norm
from hcip_pipeline.reports.oversight import Committee
from hcip_pipeline.reports.pages import release_page
from hcip_pipeline.reports.physician import cell_rows
from hcip_pipeline.reports.signs import by_partner

#: in the order they are run
_LIBRARIES = ("tabulator.min.js", "d3.min.js", "plot.umd.min.js")
_STYLE = "tabulator_simple.min.css"
_OWN = "explorer.js"
_SOURCE_MAP = re.compile(r"(//|/\*)# sourceMappingURL=\S+( \*/)?")

#: field, heading and kind of the columns, by kind of row; the kind of a column determines how its whole numbers are
#: shown: cents as money, dollars, tenths of a percent, tenths
COLUMNS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "lines": (
        ("line", "Service line", "text"),
        ("cases", "Cases", "count"),
        ("cost", "Cost", "dollars"),
        ("against_state", "Compared with the state", "percent"),
        ("difference", "Difference in dollars", "signed"),
        ("change", "Compared with the baseline", "percent"),
        ("potential", "To best practice", "dollars"),
    ),
    "cells": (
        ("apr_drg", "APR-DRG", "text"),
        ("severity", "SOI", "text"),
        ("label", "Description", "text"),
        ("cases", "Cases", "count"),
        ("physicians", "Physicians", "count"),
        ("mean_cost", "Mean cost", "dollars"),
        ("days", "Adjusted days", "tenths"),
        ("against_state", "Compared with the state", "percent"),
        ("difference", "Difference in dollars", "signed"),
        ("potential", "To best practice", "dollars"),
    ),
    "centers": (
        ("center", "Cost center", "text"),
        ("cost", "Cost", "dollars"),
        ("against_state", "Compared with the state", "percent"),
        ("difference", "Difference in dollars", "signed"),
    ),
    "partners": (
        ("name", "Care partner", "text"),
        ("npi", "NPI", "text"),
        ("specialty", "Specialty", "text"),
        ("cases", "Cases", "count"),
        ("adjusted_cost", "Cost per case", "dollars"),
        ("against_state", "Compared with the state", "percent"),
        ("against_norm", "Compared with the norm", "percent"),
        ("potential", "To best practice", "dollars"),
        ("final", "Final incentive", "money"),
        ("status", "Status", "text"),
        ("signs", "Warning signs", "text"),
    ),
    "own_cells": (
        ("name", "Care partner", "text"),
        ("apr_drg", "APR-DRG", "text"),
        ("severity", "SOI", "text"),
        ("label", "Description", "text"),
        ("cases", "Cases", "count"),
        ("mean_cost", "Mean cost", "dollars"),
        ("best_practice", "Best practice", "dollars"),
        ("p75", "75th percentile", "dollars"),
        ("above", "Above best practice", "dollars"),
        ("incentive", "Performance incentive", "money"),
    ),
    "cases": (
        ("name", "Care partner", "text"),
        ("apr_drg", "APR-DRG", "text"),
        ("severity", "SOI", "text"),
        ("days", "Days", "count"),
        ("cost", "Cost", "money"),
        ("best_practice", "Best practice", "money"),
        ("p75", "75th percentile", "money"),
        ("share", "Performance share", "percent_plain"),
        ("incentive", "Performance incentive", "money"),
    ),
}


def explorer_page(source: ReportSource, ccn: str, committee: Committee) -> bytes:
    """The page of a hospital."""
    data = json.dumps(explorer_data(source, ccn, committee), separators=(",", ":"))
    scripts = [*(_library(name) for name in _LIBRARIES), _library(_OWN, "templates")]
    made = release_page(
        source,
        "explorer.html.j2",
        title=f"Explorer: {committee.hospital['hospital_name']}, {words.half(str(source.period))}",
        hospital=committee.hospital,
        ccn=ccn,
        script_policy=_script_policy(scripts),
        scripts=len(scripts),
    )
    parts = {
        "style": _library(_STYLE),
        "data": data.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
    } | {f"script {at}": script for at, script in enumerate(scripts)}
    return _filled(made, parts)


def _filled(made: bytes, parts: Mapping[str, str]) -> bytes:
    """The page with its parts inserted unchanged: a script that differs by one byte from its hash does not run.

    The placeholders are comments. A name from the data cannot contain one, because it is escaped.
    """
    pieces = re.split(rb"<!--part ([a-z]+(?: [0-9])?)-->", made)
    return b"".join(parts[piece.decode()].encode() if at % 2 else piece for at, piece in enumerate(pieces))


def explorer_data(source: ReportSource, ccn: str, committee: Committee) -> dict[str, Any]:
    """The page's data: rows of whole numbers and text by kind, and the norm's physicians of each cell."""
    current = source.current
    names = {row["npi"]: row["name"] or row["npi"] for row in current.of_hospital("incentives", ccn)}
    cases = [row for row in current.of_hospital("incentive_cases", ccn) if row["npi"] in names]
    people = sorted(names)
    place = {npi: at for at, npi in enumerate(people)}
    cells = sorted({(row["apr_drg"], row["severity_of_illness"]) for row in cases})
    number = {cell: at for at, cell in enumerate(cells)}
    norms: dict[tuple[str, str], Row] = {}
    for row in cases:
        norms.setdefault((row["apr_drg"], row["severity_of_illness"]), row)
    levels = current.of_hospital("opportunity", ccn)
    wanted = {(row["apr_drg"], row["severity_of_illness"]) for row in levels if row["level"] == "cell"}
    data: dict[str, Any] = {
        "columns": {kind: [list(column) for column in columns] for kind, columns in COLUMNS.items()},
        "base_year": source.policy.base_year,
        "year": source.period.year,
        "is_gated": source.policy.performance_gate == "cell_mean",
        "institution": _line(committee.institution) if committee.institution else None,
        "lines": [_line(line.row) for line in committee.lines],
        "cells": [[row["service_line"], *_cell(row)] for row in levels if row["level"] in ("apr_drg", "cell")],
        "centers": [[row["service_line"], *_center(row)] for row in current.of_hospital("cost_centers", ccn)],
        "people": [[names[npi], npi] for npi in people],
        "partners": _partners(source, ccn, committee),
        "own_cells": _own_cells(cases, place, source.labels),
        "norm_cells": [
            [*cell, _cents(norms[cell]["best_practice_norm"]), _cents(norms[cell]["p75_cost"])] for cell in cells
        ],
        "cases": [
            [
                place[row["npi"]],
                number[row["apr_drg"], row["severity_of_illness"]],
                row["length_of_stay"],
                _cents(row["cost"]),
                _scaled(row["performance_fraction"], 1000),
                _cents(row["performance_incentive"]),
            ]
            for row in cases
        ],
        "dots": _dots(source, wanted),
    }
    return _shown(data)


def _shown(value: Any) -> Any:
    """The same data with control characters replaced by their code points, as on every page."""
    if isinstance(value, dict):
        return {key: _shown(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return show_controls(value)


def _scaled(value: Decimal | None, factor: int) -> int | None:
    """The value in whole units of 1 ÷ factor, rounded half away from zero."""
    return None if value is None else int((Decimal(value) * factor).quantize(Decimal(1), ROUND_HALF_UP))


def _cents(value: Decimal | None) -> int | None:
    return _scaled(value, 100)


def _dollars(value: Decimal | None) -> int | None:
    return _scaled(value, 1)


def _against(ratio: Decimal | None) -> int | None:
    return None if ratio is None else _scaled(ratio - 1, 1000)


def _line(row: Row) -> list[Any]:
    return [
        "Institution" if row["level"] == "institution" else row["service_line"],
        row["cases"],
        _dollars(row["cost"]),
        _against(row["cost_ratio"]),
        _dollars(row["difference_from_statewide"]),
        _scaled(row["adjusted_cost_change"], 1000),
        _dollars(row["potential_savings"]),
    ]


def _cell(row: Row) -> list[Any]:
    return [
        row["apr_drg"],
        "all" if row["level"] == "apr_drg" else row["severity_of_illness"],
        row["label"] or "",
        row["cases"],
        row["physicians"],
        _dollars(row["mean_cost"]),
        _scaled(row["adjusted_los"], 10),
        _against(row["cost_ratio"]),
        _dollars(row["difference_from_statewide"]),
        _dollars(row["potential_savings"]),
    ]


def _center(row: Row) -> list[Any]:
    return [
        f"{row['rate_center']} {row['rate_center_name']}",
        _dollars(row["cost"]),
        _against(row["cost_ratio"]),
        _dollars(row["difference_from_statewide"]),
    ]


def _partners(source: ReportSource, ccn: str, committee: Committee) -> list[list[Any]]:
    signs = by_partner(committee.signs)
    rows = []
    for group in committee.specialties:
        for row in group.members:
            comparison = source.current.of_partner("physician_comparison", ccn, row["npi"])
            rows.append(
                [
                    row["name"] or row["npi"],
                    row["npi"],
                    group.specialty,
                    row["cases"],
                    _dollars(row["adjusted_cost"]),
                    _against(row["cost_ratio"]),
                    _against(over_norm(comparison)),
                    _dollars(row["potential_savings"]),
                    _cents(row["payment"]["final_incentive"]),
                    words.STATUSES[row["payment"]["status"]],
                    ". ".join(sign["text"] for sign in signs.get(row["npi"], [])),
                ]
            )
    return rows


def _own_cells(cases: Iterable[Row], place: Mapping[str, int], labels: Mapping[str, str]) -> list[list[Any]]:
    """Each care partner's cases by cell, as on the care partner's own page."""
    own: dict[str, list[Row]] = {}
    for row in cases:
        own.setdefault(row["npi"], []).append(row)
    return [
        [
            place[npi],
            row.apr_drg,
            row.severity,
            row.label,
            row.cases,
            _dollars(row.mean_cost),
            _dollars(row.best_practice),
            _dollars(row.p75),
            _dollars(row.above_best_practice),
            _cents(row.incentive),
        ]
        for npi, rows in sorted(own.items())
        for row in cell_rows(rows, labels)
    ]


def _dots(source: ReportSource, wanted: set[tuple[str, str]]) -> dict[str, list[Any]]:
    """Cell -> norm, P75 and the means of the norm's physicians, in cents of the base year, as published."""
    if not (source.current.has("norms") and source.current.has("norm_physicians")):
        return {}
    found: dict[str, list[Any]] = {}
    in_force = pl.col("norm_method") == source.policy.norm_method
    for row in _public(source, "norms").filter(in_force).iter_rows(named=True):
        if (row["apr_drg"], row["severity_of_illness"]) in wanted:
            key = f"{row['apr_drg']}-{row['severity_of_illness']}"
            found[key] = [_cents(row["best_practice_norm"]), _cents(row["p75_cost"]), []]
    for row in _public(source, "norm_physicians").iter_rows(named=True):
        key = f"{row['apr_drg']}-{row['severity_of_illness']}"
        if key in found:
            found[key][2].append(_cents(row["physician_mean_cost"]))
    return found


def _public(source: ReportSource, name: str) -> pl.DataFrame:
    """A table of the norms as published: values hidden there must not appear on a hospital's page."""
    return source.draft.table(name, folder="norms")


def _file(folder: str, name: str) -> str:
    return (resources.files("hcip_pipeline.reports") / folder / name).read_text(encoding="utf-8")


@cache
def _library(name: str, folder: str = "vendored") -> str:
    """A script or style without the URL of its source map, which a browser would request."""
    return _SOURCE_MAP.sub("", _file(folder, name).replace("\r\n", "\n")).strip()


def _script_policy(scripts: Iterable[str]) -> Markup:
    """A content security policy that allows only these scripts, and no loading."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    policy = f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return Markup('<meta http-equiv="Content-Security-Policy" content="{}">').format(Markup(policy))
