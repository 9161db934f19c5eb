"""What studies of states' public files share: how much may be left out, and cost factors of hospitals of elsewhere.

Belongs here: what does not depend on the state. Does not belong here: reading a file (``intake``), and one state's
policy and statements (``sparcs_study``, ``texas_study``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts import reference
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.reference.tables import read_inbox_table

#: Faulty rows over this share refuse the file, as they refuse a submission (inputs.md, "Edits").
MAX_ERRORS = Decimal("0.01")


@dataclass(frozen=True)
class FaultyRows:
    """Rows of a file that a study leaves out.

    Attributes:
        rule: the id under which the file is refused if there are too many.
        faulty, judged: rows that are left out through their own fault, and rows in all.
        what: the fault in words, such as "faulty".
        counted: the rules and how many rows break them.
        fix: what to do if there are too many.
    """

    rule: str
    faulty: int
    judged: int
    what: str
    counted: str
    fix: str


def require_few_errors(file: Path | str, rows: FaultyRows, allowed: Decimal) -> None:
    """A study never ends well over a file of which it lost a part: the 1% of a submission holds for it.

    Args:
        allowed: the share of faulty rows that the study may leave out.

    Raises:
        HcipError: more rows are faulty than allowed, under the rule of ``rows``.
    """
    if rows.faulty <= allowed * rows.judged:
        return
    stated = f"{rows.faulty} of {rows.judged} rows are {rows.what}, more than {percent(allowed)} ({rows.counted})"
    raise HcipError(stated, file=file, rule=rows.rule, fix=rows.fix)


def percent(share: Decimal) -> str:
    """``1%``."""
    return f"{(share * 100).normalize():f}%"


def cost_factors(
    home: Home, hospitals: Sequence[str], years: Collection[int], *, by_center: bool, example: str
) -> tuple[pl.DataFrame, str]:
    """Cost factors of a file's hospitals from the inbox, and what to state about them; factor 1 where there are none.

    Args:
        hospitals: their ids, without leading zeros where the file has none.
        years: every rate year that must be there.
        by_center: whether cost is charges × ``cost_to_charge`` by rate center; otherwise only rows ALL apply.
        example: how the table writes an id, for the message.

    Raises:
        HcipError: COST-FACTOR-MISSING: the table names some of these hospitals and lacks rows of others.
    """
    table = read_inbox_table("cost_factors", home.inbox)
    if table is None or table.file is None:
        return factors_of_one(hospitals, years), "no cost_factors file: every factor is 1"
    path = table.file
    own = pl.DataFrame({"as_written": hospitals, "key": [ccn.lstrip("0") for ccn in hospitals]})
    given = (
        table.frame.with_columns(key=pl.col("hospital_ccn").str.strip_chars_start("0"))
        .join(own, on="key")
        .with_columns(hospital_ccn="as_written")
        .select(reference.COST_FACTORS.names)
    )
    if given.is_empty():
        stated = "the cost_factors file names none of these hospitals: every factor is 1"
        return factors_of_one(hospitals, years), stated
    usable = given.filter(pl.col("rate_center") == "ALL")
    if by_center:
        usable = usable.filter(pl.col("cost_to_charge").is_not_null())
    for year in sorted(years):
        have = set(usable.filter(pl.col("rate_year") == year)["hospital_ccn"].to_list())
        without = [ccn for ccn in hospitals if ccn not in have]
        if without:
            ratio = " with a cost_to_charge" if by_center else ""
            raise HcipError(
                f"cost_factors has no row ALL{ratio} of rate year {year} for {len(without)} hospitals: "
                f"{', '.join(without[:10])}",
                file=path,
                rule="COST-FACTOR-MISSING",
                fix=f"add their rows ({example}), or take the file away for a study with all factors equal to 1",
            )
    if by_center:
        _require_ratios(path, given)
    return given, f"cost factors are those of inbox/reference/{path.name}"


def _require_ratios(path: Path, given: pl.DataFrame) -> None:
    empty = given.filter(pl.col("cost_to_charge").is_null())
    if not empty.is_empty():
        hospital, center, year = empty.select("hospital_ccn", "rate_center", "rate_year").row(0)
        raise HcipError(
            f"cost_factors has no cost_to_charge for hospital {hospital}, rate center {center}, rate year {year}",
            file=path,
            rule="COST-FACTOR-MISSING",
            fix="fill in cost_to_charge: cost is charges times this ratio in a study with charge lines",
        )


def factors_of_one(hospitals: Sequence[str], years: Collection[int]) -> pl.DataFrame:
    """A row ALL of every hospital and rate year that changes nothing."""
    one, none = Decimal(1), Decimal(0)
    rows = [
        (ccn, "ALL", year, one, one, one, none, none, "neutral: no cost_factors file", None)
        for ccn in hospitals
        for year in sorted(years)
    ]
    schema = reference.COST_FACTORS.schema
    return pl.DataFrame(rows, schema=schema, orient="row")
