"""The cadences as Dagster partitions, with the keys that people use: 2025Q1, 2025-04, 2025H1.

Dagster's time windows print their start date and cannot print a quarter or a half-year; static partitions with stated
mappings can, and read no clock. Only lineage and backfills follow the mappings: a build reads its policy's windows.
"""

from collections.abc import Iterable

import dagster as dg

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter

#: half-years that can be settled; hospital data and claims reach back further, for baselines and base years
FIRST_YEAR, LAST_YEAR = 2019, 2035
FIRST_DATA_YEAR = 2015

Key = Quarter | Month | PerformancePeriod

_QUARTERS = [Quarter(year, number) for year in range(FIRST_DATA_YEAR, LAST_YEAR + 1) for number in range(1, 5)]
_MONTHS = [Month(year, number) for year in range(FIRST_DATA_YEAR, LAST_YEAR + 1) for number in range(1, 13)]
_HALVES = [PerformancePeriod(year, half) for year in range(FIRST_YEAR, LAST_YEAR + 1) for half in (1, 2)]

QUARTERS = dg.StaticPartitionsDefinition([str(key) for key in _QUARTERS])
MONTHS = dg.StaticPartitionsDefinition([str(key) for key in _MONTHS])
HALVES = dg.StaticPartitionsDefinition([str(key) for key in _HALVES])


def _needed_by(upstream: Iterable[Quarter | Month]) -> dg.StaticPartitionMapping:
    """A half-year needs its own dates and the same a year before (methodology §1, the default baseline)."""

    def half_years(key: Quarter | Month) -> list[str]:
        half = 1 if key.start.month <= 6 else 2
        wanted = [PerformancePeriod(key.year, half), PerformancePeriod(key.year + 1, half)]
        return [str(period) for period in wanted if FIRST_YEAR <= period.year <= LAST_YEAR]

    return dg.StaticPartitionMapping({str(key): half_years(key) for key in upstream if half_years(key)})


def base_year_mapping(base_year: int | None) -> dg.PartitionMapping:
    """Which quarters the norms of a half-year come from.

    Args:
        base_year: the policy's; None where it is not known while definitions load: any quarter may be of it.
    """
    if base_year is None:
        return dg.AllPartitionMapping()
    quarters = [key for key in _QUARTERS if key.year == base_year]
    return dg.StaticPartitionMapping({str(key): [str(half) for half in _HALVES] for key in quarters})


#: its two quarters and six months, and the same a year before; the base year comes through ``base_year_norms``
QUARTERS_OF_HALVES = _needed_by(_QUARTERS)
MONTHS_OF_HALVES = _needed_by(_MONTHS)

_KINDS: tuple[tuple[str, type[Key], dg.StaticPartitionsDefinition], ...] = (
    ("Q", Quarter, QUARTERS),
    ("-", Month, MONTHS),
    ("H", PerformancePeriod, HALVES),
)


def parse_key(text: str, kind: type[Key] | None = None) -> Key:
    """The quarter, month or half-year that a key names.

    Args:
        kind: the only kind of key that will do.

    Raises:
        UsageError: it names none, or one outside the program's calendar.
    """
    for sign, named, partitions in _KINDS:
        if text[4:5] == sign and kind in (None, named):
            key = named.parse(text)
            if not partitions.has_partition_key(text):
                keys = partitions.get_partition_keys()
                raise UsageError(
                    f"{text} lies outside the program's calendar", fix=f"name one of {keys[0]} to {keys[-1]}"
                )
            return key
    raise UsageError(
        f"'{text}' is no partition", fix="write a quarter as 2025Q1, a month as 2025-04, a half-year as 2025H1"
    )
