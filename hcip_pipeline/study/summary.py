"""The console summary of a study, in whole dollars; the files have cents."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hcip_pipeline.dollars import dollars
from hcip_pipeline.policy.model import NORM_METHODS
from hcip_pipeline.study.figures import largest, norms_side_by_side, of_all_hospitals
from hcip_pipeline.study.outputs import PAGE
from hcip_pipeline.study.result import StudyResult

#: Rows shown of each table; the files have all.
ROWS = 10

_METHODS = {
    "physician_percentile": "physician",
    "case_percentile": "case",
    "mean_below_threshold": "mean below",
}


def print_study(result: StudyResult, console: Console | None = None) -> None:
    """Print the study: statements, norms by all three methods, opportunity, incentives, and the paths of the files."""
    console = console or Console()
    plan, figures = result.plan, result.figures
    totals, tables = figures.totals, figures.tables
    console.print(Text(plan.title, style="bold"))
    for statement in plan.statements:
        console.print(Text(f"  • {statement}"))
    console.print(
        f"{totals.cases:,} discharges: {totals.excluded:,} excluded, {totals.without_norm:,} in cells without a norm, "
        f"{totals.with_norm:,} counted with a norm"
    )
    for problem in plan.problems:
        of = f" of {problem.file}" if problem.file else ""
        console.print(Text(f"  {problem.severity} {problem.rule}: {problem.rows:,} rows{of}: {problem.message}"))
    console.print(_norms(norms_side_by_side(tables["norms"]), plan.policy.norm_method))
    hospitals = largest(tables["opportunity_by_hospital"], "potential_savings", "hospital_ccn")
    console.print(_opportunity(hospitals, "Opportunity by hospital", {"hospital_name": "hospital"}))
    centers = of_all_hospitals(tables["opportunity_by_cost_center"], "rate_center")
    if not centers.is_empty():
        heads = {"rate_center_name": "cost center", "hospitals_above": "hospitals above", "cost": "cost"}
        heads |= {"benchmarked_cost": "compared", "potential_savings": "savings"}
        console.print(_rows(centers, "Opportunity by cost center, compared with statewide means, $", heads))
    if plan.identifier:
        physicians = largest(tables["opportunity_by_physician"], "potential_savings", "npi")
        console.print(_opportunity(physicians, "Opportunity by responsible physician", {"npi": plan.identifier}))
        incentives = largest(tables["performance_incentives"], "performance_incentive", "npi")
        heads = {
            "npi": plan.identifier,
            "hospital_name": "hospital",
            "medical_cases": "medical cases",
            "surgical_cases": "surgical cases",
            "gated_cases": "gated cases",
            "performance_incentive": "incentive",
        }
        console.print(
            _rows(
                incentives,
                "Performance incentives, $ (nothing is payable)",
                heads,
            )
        )
        console.print(
            f"Performance incentives of {totals.physicians:,} physicians: {dollars(totals.performance_incentive)} "
            "(nothing is payable)"
        )
    console.print(
        f"Potential savings {dollars(totals.potential_savings)} of {dollars(totals.cost)}; "
        f"best practice variance {dollars(totals.best_practice_variance)}"
    )
    console.print(Text(f"Files: {result.folder}"))
    console.print(Text(f"Page:  {result.folder / PAGE}"))


def _norms(norms: pl.DataFrame, in_force: str) -> Table:
    cells = norms.with_columns(cell=pl.col("apr_drg") + "-" + pl.col("severity_of_illness"))
    heads = {"cell": "cell", "cases": "cases", "physicians": "phys."}
    for quantity, head in (("best_practice_norm", "norm by"), ("p75_cost", "P75 by")):
        for method in NORM_METHODS:
            heads[f"{quantity}_{method}"] = f"{head} {_METHODS[method]}{'*' if method == in_force else ''}"
    del heads["p75_cost_mean_below_threshold"]  # the same as the physicians' P75
    return _rows(cells, f"Norms by all three methods, $ (* in force: {in_force})", heads)


def _opportunity(frame: pl.DataFrame, title: str, heads: dict[str, str]) -> Table:
    return _rows(
        frame,
        f"{title}, $",
        heads
        | {
            "cases": "cases",
            "cost_above_best_practice": "above best practice",
            "potential_savings": "savings",
            "best_practice_variance": "variance",
            "available_incentive": "available",
        },
    )


def _rows(frame: pl.DataFrame, title: str, heads: dict[str, str]) -> Table:
    """The first rows of ``frame``; ``heads`` maps columns to headings. Text is left-aligned, numbers right-aligned."""
    table = _table(title, frame.height)
    shown = [[_cell(value) for value in row] for row in frame.select(*heads).head(ROWS).rows()]
    for place, (name, head) in enumerate(heads.items()):
        if frame.schema[name] == pl.String:
            table.add_column(head, overflow="fold", max_width=22)  # wrapped, not cut: names often begin alike
        else:  # a number is never cut
            widest = max((len(row[place]) for row in shown), default=0)
            table.add_column(head, justify="right", min_width=max(widest, *(len(word) for word in head.split())))
    for row in shown:
        table.add_row(*row)
    return table


def _table(title: str, rows: int) -> Table:
    caption = f"the first {ROWS} of {rows:,} rows; the files have all" if rows > ROWS else None
    return Table(
        title=title,
        caption=caption,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )


def _cell(value: object) -> Text:
    if isinstance(value, Decimal):
        return Text(f"{value:,.0f}")
    if isinstance(value, int):
        return Text(f"{value:,}")
    return Text("–" if value is None else str(value))
