"""The page of a study: one self-contained HTML file for screen and print.

Belongs here: selecting rows, and positions of chart marks. Does not belong here: any figure that is not in
``figures``, and the page's wording (``templates/study.html.j2``).
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import jinja2
import polars as pl

from hcip_pipeline.html_pages import page_environment
from hcip_pipeline.policy.model import NORM_METHODS
from hcip_pipeline.study.figures import StudyFigures, largest, norms_side_by_side, of_all_hospitals
from hcip_pipeline.study.plan import StudyPlan

#: Maximum numbers of table rows and chart marks; the CSV files have all.
TABLE_ROWS = 25
BARS = 15
CELLS = 8

METHOD_LABELS = {
    "physician_percentile": "physician percentile",
    "case_percentile": "case percentile",
    "mean_below_threshold": "mean below threshold",
}

COMPONENT_LABELS = {"core": "Core (rooms, services)", "supply_drug": "Supplies and drugs"}

#: Widths in the units of the charts, which the page scales.
_LABEL_WIDTH, _PLOT_WIDTH = 270, 560


def render_page(plan: StudyPlan, figures: StudyFigures) -> str:
    """The study as one self-contained HTML page."""
    tables = figures.tables
    hospitals = largest(tables["opportunity_by_hospital"], "potential_savings", "hospital_ccn")
    physicians = largest(tables["opportunity_by_physician"], "potential_savings", "npi")
    incentives = largest(tables["performance_incentives"], "performance_incentive", "npi")
    cost_centers = tables["opportunity_by_cost_center"]
    centers = of_all_hospitals(cost_centers, "rate_center")
    above = cost_centers.sort("potential_savings", "hospital_ccn", "rate_center", descending=[True, False, False])
    norms = norms_side_by_side(tables["norms"]).with_columns(
        label=pl.col("apr_drg").replace_strict(figures.apr_drg_labels, default="", return_dtype=pl.String)
    )
    return _template().render(
        title=plan.title,
        plan=plan,
        totals=figures.totals,
        methods=METHOD_LABELS,
        norms=_shown(norms, TABLE_ROWS),
        norm_chart=_ranges(norms.head(CELLS)),
        exclusions=tables["exclusions"].to_dicts(),
        hospitals=_shown(hospitals, TABLE_ROWS),
        hospital_chart=_bars(hospitals, "hospital_name", "potential_savings"),
        components=of_all_hospitals(cost_centers, "component").to_dicts(),
        component_labels=COMPONENT_LABELS,
        cost_centers=_shown(centers, 60),
        cost_center_chart=_bars(centers, "rate_center_name", "potential_savings"),
        hospital_centers=_shown(above, TABLE_ROWS),
        physicians=_shown(physicians, TABLE_ROWS),
        incentives=_shown(incentives, TABLE_ROWS),
        incentive_chart=_bars(
            incentives.with_columns(who=pl.col("npi") + " at " + pl.col("hospital_name").fill_null("")),
            "who",
            "performance_incentive",
        ),
    )


def _shown(frame: pl.DataFrame, rows: int) -> dict[str, Any]:
    return {"rows": frame.head(rows).to_dicts(), "of": frame.height}


def _bars(frame: pl.DataFrame, label: str, quantity: str) -> dict[str, Any]:
    """Horizontal bars of the largest positive quantities."""
    rows = frame.filter(pl.col(quantity) > 0).head(BARS).select(label, quantity).rows()
    scale = _Scale(max((amount for _, amount in rows), default=Decimal(1)))
    marks = [
        {"y": 24 * place, "label": _short(text), "width": scale.at(amount), "amount": amount}
        for place, (text, amount) in enumerate(rows)
    ]
    return {
        "marks": marks,
        "height": 24 * len(marks) + 4,
        "left": _LABEL_WIDTH,
        "width": _LABEL_WIDTH + _PLOT_WIDTH + 110,
    }


def _ranges(norms: pl.DataFrame) -> dict[str, Any]:
    """One line per cell and method, from the best practice norm to P75; a norm without P75 has no length."""
    rows = norms.to_dicts()
    ends = [
        row[f"{end}_{method}"] for row in rows for method in NORM_METHODS for end in ("p75_cost", "best_practice_norm")
    ]
    scale = _Scale(max((end for end in ends if end is not None), default=Decimal(1)))
    marks = []
    for place, row in enumerate(rows):
        lines = [
            {
                "method": method,
                "y": 66 * place + 14 + 18 * order,
                "from": scale.at(row[f"best_practice_norm_{method}"]),
                "to": scale.at(row[f"p75_cost_{method}"] or row[f"best_practice_norm_{method}"]),
            }
            for order, method in enumerate(NORM_METHODS)
            if row[f"best_practice_norm_{method}"] is not None
        ]
        name = _short(f"{row['apr_drg']}-{row['severity_of_illness']} {row['label']}")
        marks.append({"y": 66 * place, "label": name, "cases": row["cases"], "lines": lines})
    return {
        "marks": marks,
        "ticks": scale.ticks(),
        "height": 66 * len(rows) + 30,
        "left": _LABEL_WIDTH,
        "width": _LABEL_WIDTH + _PLOT_WIDTH + 110,
    }


class _Scale:
    """Maps dollars from zero to ``top`` to positions on a chart; whole units are precise enough for drawing."""

    def __init__(self, top: Decimal) -> None:
        self.top = max(top, Decimal(1))

    def at(self, amount: Decimal) -> int:
        return int(_PLOT_WIDTH * amount / self.top)

    def ticks(self) -> list[dict[str, Any]]:
        step = Decimal(10) ** (len(str(int(self.top))) - 1)
        step = next((step / part for part in (1, 2, 4) if self.top >= 3 * step / part), step / 4)
        return [{"x": self.at(step * i), "amount": step * i} for i in range(int(self.top / step) + 1)]


def _short(text: str | None, most: int = 38) -> str:
    text = text or ""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _dollars(amount: Decimal | None) -> str:
    return "–" if amount is None else f"{amount:,.2f}".replace("-", "−")


def _whole_dollars(amount: Decimal) -> str:
    return f"{amount:,.0f}".replace("-", "−")


@cache
def _template() -> jinja2.Template:
    environment = page_environment(jinja2.PackageLoader("hcip_pipeline.study"))
    environment.filters |= {
        "dollars": _dollars,
        "whole_dollars": _whole_dollars,
        "count": "{:,}".format,
        "ratio": "{:.4f}".format,
        "percent": "{:.1%}".format,
    }
    return environment.get_template("study.html.j2")
