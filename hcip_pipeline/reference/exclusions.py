"""Who stands on an exclusion list and so cannot be paid for a period.

Belongs here: the exclusion as of a period. Does not belong here: a hospital's own screening (``care_partners``) and
what both do to a payment (methodology §9, step 3).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from hcip_pipeline.atomic_files import write_json, write_parquet
from hcip_pipeline.contracts.protocol import EXCLUDED_IN_PERIOD
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference import leie
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.tables.contract_columns import contract_schema
from hcip_pipeline.tables.table_shapes import find_table


def excluded_in_period(excluded_individuals: pl.DataFrame, period: PerformancePeriod) -> pl.DataFrame:
    """Individuals excluded on any day from the period's first to the day it is due to be paid.

    An exclusion that begins after the services were rendered still forbids the payment. The day of reinstatement is
    no longer excluded.

    Args:
        excluded_individuals: the reference table of that name.
        period: the performance period.

    Returns:
        The columns of ``contracts.protocol.EXCLUDED_IN_PERIOD``, ordered by NPI.
    """
    lasting = excluded_individuals.filter(
        pl.col("effective_date") <= period.run_date,
        pl.col("reinstated_date").is_null() | (pl.col("reinstated_date") > period.start),
    )
    individuals = lasting.group_by("npi").agg(
        pl.col("source").unique().sort().str.join("|"),
        pl.col("effective_date").min(),
        pl.when(pl.col("reinstated_date").is_not_null().all()).then(pl.col("reinstated_date").max()),
    )
    return individuals.select(pl.col(n).cast(t) for n, t in contract_schema(EXCLUDED_IN_PERIOD).items()).sort("npi")


def write_lake_exclusions(home: Home, period: PerformancePeriod) -> Path:
    """Write ``excluded_in_period.parquet`` of a period into the lake. Raises HcipError as ``load_reference``."""
    tables = load_reference(home.inbox)
    excluded = tables["excluded_individuals"]
    listed = find_table(home.inbox / "reference", leie.NAME)
    receipt = home.lake_program(period) / "leie.json"
    if listed.exists() or listed.is_symlink():
        found = leie.read_leie(listed, state_of(tables["hospitals"].get_column("ccn").to_list()), home.inbox)
        excluded = pl.concat([excluded.select(found.individuals.columns), found.individuals])
        facts = {
            "file": listed.name, "bytes": found.text.bytes, "sha256": found.text.sha256, "rows": found.rows,
            "with_npi": found.individuals.height, "without_npi": found.without_npi, "repeated": found.repeated,
            "waived": found.waived,
        }  # fmt: skip
        write_json(facts, receipt)
    else:
        receipt.unlink(missing_ok=True)
    path = home.lake_program(period) / "excluded_in_period.parquet"
    write_parquet(excluded_in_period(excluded, period), path)
    return path


#: First two digits of a CCN -> the state, for the states whose all-payer files this program has read.
_STATES = {"21": "MD", "33": "NY", "45": "TX", "67": "TX", "74": "TX"}


def state_of(ccns: Collection[str]) -> str:
    """The state of all the hospitals; empty where they are of several, or of one that is not known."""
    states = {_STATES.get(ccn[:2], "") for ccn in ccns}
    return states.pop() if len(states) == 1 else ""
