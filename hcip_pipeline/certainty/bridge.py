"""Different APR-DRG grouper versions of the base year and a period, and the bridge from one to the other.

Belongs here: which cases have APR-DRGs that the other version lacks, and the base year as grouped again. Does not
belong here: settling by the bridge, which is one more reading (``attribution``).
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from hcip_pipeline.contracts import certainty
from hcip_pipeline.contracts.reference import GROUPER_BRIDGE
from hcip_pipeline.home.folders import Home
from hcip_pipeline.simulation.workbench import BUILD, Workbench

READING = "bridge"
_KEY = ["apr_drg", "severity_of_illness"]
_NORM = ("cases", "mean_cost", "best_practice_norm", "p75_cost", "maximum_physician_incentive")

#: cases of the base year and the baseline as grouped again; cases of the period keep their own grouping
PATCH = """
    select cases.* replace (
        coalesce(again.grouper_version, cases.grouper_version) as grouper_version,
        coalesce(again.apr_drg, cases.apr_drg) as apr_drg,
        coalesce(again.severity_of_illness, cases.severity_of_illness) as severity_of_illness,
        case when again.apr_drg is null then cases.risk_of_mortality else again.risk_of_mortality end
            as risk_of_mortality
    )
    from {model} as cases
    left join bridge.rows as again
        on cases.hospital_ccn = again.hospital_ccn and cases.account_no = again.account_no
        and cases.discharge_date not between again.period_start and again.period_end"""


def bridge_rows(home: Home) -> pl.DataFrame:
    """``grouper_bridge`` as it was ingested; without rows if there is none."""
    file = home.lake_reference / f"{GROUPER_BRIDGE.name}.parquet"
    if not file.is_file():
        return pl.DataFrame(schema=GROUPER_BRIDGE.schema)
    return pl.read_parquet(file)


def place_bridge(bench: Workbench, rows: pl.DataFrame, start: dt.date, end: dt.date) -> None:
    """Put the bridge next to a build, for :data:`PATCH`; ``start`` and ``end`` are the period's."""
    con = bench.connection
    con.execute("create schema if not exists bridge")
    con.register(
        "again", rows.with_columns(pl.lit(start).alias("period_start"), pl.lit(end).alias("period_end")).to_arrow()
    )
    con.execute("create or replace table bridge.rows as from again")
    con.unregister("again")


def grouped_cases(bench: Workbench, windows: str) -> pl.DataFrame:
    """Cases of a build by window, version and cell, and how many the bridge moves to another cell.

    Args:
        windows: the windows' names as a SQL list.
    """
    return bench.connection.sql(
        f"""select
            window_name, cases.grouper_version, cases.apr_drg, count(*) as cases,
            count(again.apr_drg) as cases_bridged,
            count(*) filter (
                where again.apr_drg <> cases.apr_drg or again.severity_of_illness <> cases.severity_of_illness
            ) as cases_in_another_cell
        from {BUILD}.intermediate.int_case_windows as windows
        inner join {BUILD}.staging.stg_discharges as cases using (hospital_ccn, account_no)
        left join bridge.rows as again
            on cases.hospital_ccn = again.hospital_ccn and cases.account_no = again.account_no
            and cases.discharge_date not between again.period_start and again.period_end
        where window_name in ({windows}) and cases.apr_drg is not null
        group by all order by all"""
    ).pl()


def version_rows(bench: Workbench, base_year: pl.DataFrame, period: str) -> pl.DataFrame:
    """Cases by window and version, and how many have codes that the other side's versions lack.

    Args:
        bench: the period's workbench, with the bridge next to the build.
        base_year: :func:`grouped_cases` of the base year.

    Returns:
        ``contracts.certainty.GROUPER_CASES``.
    """
    own = grouped_cases(bench, "'performance', 'baseline'")
    every = pl.concat([own, base_year])
    known = bench.connection.sql(f"select grouper_version, apr_drg from {BUILD}.staging.stg_apr_drgs").pl()
    codes = {version: set(rows["apr_drg"]) for (version,), rows in known.group_by("grouper_version")}
    now = set(every.filter(pl.col("window_name") == "performance")["grouper_version"])
    before = set(every.filter(pl.col("window_name") != "performance")["grouper_version"])
    rows = []
    for (window, version), cases in every.group_by("window_name", "grouper_version"):
        others = before if window == "performance" else now
        lacking = [
            any(code not in codes.get(other, set()) for other in others - {version}) for code in cases["apr_drg"]
        ]
        rows.append(
            {
                "period": period,
                "window_name": window,
                "grouper_version": version,
                "cases": cases["cases"].sum(),
                "cases_unknown": cases.filter(pl.Series(lacking, dtype=pl.Boolean))["cases"].sum(),
                "cases_bridged": cases["cases_bridged"].sum(),
                "cases_in_another_cell": cases["cases_in_another_cell"].sum(),
            }
        )
    table = certainty.GROUPER_CASES
    return pl.DataFrame(rows, schema=table.schema).sort(table.key)


def cell_rows(released: pl.DataFrame, bridged: pl.DataFrame, period: str) -> pl.DataFrame:
    """Norms of both groupings side by side: ``contracts.certainty.GROUPER_CELLS``.

    Args:
        released, bridged: norms by the policy's method.
    """
    both = released.select(*_KEY, *_NORM).join(
        bridged.select(*_KEY, *(pl.col(name).alias(f"{name}_bridged") for name in _NORM)),
        on=_KEY,
        how="full",
        coalesce=True,
    )
    table = certainty.GROUPER_CELLS
    return both.with_columns(pl.lit(period).alias("period")).select(table.names).sort(table.key)
