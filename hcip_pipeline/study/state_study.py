"""Shared parts of studies of states' public files: the share of rows that may be left out, and cost factors.

Belongs here: code that does not depend on the state. Does not belong here: reading a file (``intake``), and one state's
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
from hcip_pipeline.reports.words import plural

#: A file with more than this share of faulty rows is refused, like a submission (inputs.md, "Edits").
MAX_ERRORS = Decimal("0.01")


@dataclass(frozen=True)
class FaultyRows:
    """Rows of a file that a study leaves out.

    Attributes:
        rule: the rule id for refusing the file if there are too many.
        faulty, judged: rows that are left out because they are faulty, and rows in total.
        what: wording for the fault, such as "faulty".
        counted: the rules, with the number of rows that break each.
        fix: what to do if there are too many.
    """

    rule: str
    faulty: int
    judged: int
    what: str
    counted: str
    fix: str


def require_few_errors(file: Path | str, rows: FaultyRows, allowed: Decimal) -> None:
    """Refuse a file with too many faulty rows, so that no study succeeds on a partial file.

    Args:
        allowed: the share of faulty rows that the study may leave out.

    Raises:
        HcipError: more rows are faulty than allowed; it has the rule of ``rows``.
    """
    if rows.faulty <= allowed * rows.judged:
        return
    message = f"{rows.faulty} of {rows.judged} rows are {rows.what}, more than {percent(allowed)} ({rows.counted})"
    raise HcipError(message, file=file, rule=rows.rule, fix=rows.fix)


def percent(share: Decimal) -> str:
    """``1%``."""
    return f"{(share * 100).normalize():f}%"


def cost_factors(
    home: Home, hospitals: Sequence[str], years: Collection[int], *, by_center: bool, example: str
) -> tuple[pl.DataFrame, str]:
    """Cost factors of a file's hospitals from the inbox, with a statement about them; all 1 if there are none.

    Args:
        hospitals: hospital ids as in the file, with or without leading zeros.
        years: all rate years that are needed.
        by_center: whether cost is charges × ``cost_to_charge`` by rate center; otherwise only rows ALL apply.
        example: an example of an id in the table, for the message.

    Raises:
        HcipError: COST-FACTOR-MISSING: the table has rows for some of these hospitals but not for all.
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
        statement = "the cost_factors file names none of these hospitals: every factor is 1"
        return factors_of_one(hospitals, years), statement
    usable = given.filter(pl.col("rate_center") == "ALL")
    if by_center:
        usable = usable.filter(pl.col("cost_to_charge").is_not_null())
    for year in sorted(years):
        have = set(usable.filter(pl.col("rate_year") == year)["hospital_ccn"].to_list())
        without = [ccn for ccn in hospitals if ccn not in have]
        if without:
            ratio = " with a cost_to_charge" if by_center else ""
            raise HcipError(
                f"cost_factors has no row ALL{ratio} for rate year {year} for {plural(len(without), 'hospital')}: "
                f"{', '.join(without[:10])}",
                file=path,
                rule="COST-FACTOR-MISSING",
                fix=f"add their rows ({example}), or remove the file for a study with all factors equal to 1",
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
    """A neutral row ALL for every hospital and rate year."""
    one, zero = Decimal(1), Decimal(0)
    rows = [
        (ccn, "ALL", year, one, one, one, zero, zero, "neutral: no cost_factors file", None)
        for ccn in hospitals
        for year in sorted(years)
    ]
    schema = reference.COST_FACTORS.schema
    return pl.DataFrame(rows, schema=schema, orient="row")
