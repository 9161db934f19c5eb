"""The cadences as Dagster partitions, with the keys that people use: 2025Q1, 2025-04, 2025H1.

Dagster's time windows show their start date and cannot show a quarter or a half-year, so these are static partitions
with explicit mappings. They end with the half-year that is current when definitions load; the list grows at the next
load. Only lineage and backfills follow the mappings: a build reads its policy's windows.
"""

import datetime as dt
import warnings
from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter

#: first year that can be settled; hospital data and claims go back further, for baselines and base years
FIRST_YEAR = 2019
FIRST_DATA_YEAR = 2015

Key = Quarter | Month | PerformancePeriod


def half_year_of(day: dt.date) -> PerformancePeriod:
    """The half-year that contains a day."""
    return PerformancePeriod(day.year, 1 if day.month <= 6 else 2)


def calendar(last: PerformancePeriod) -> tuple[list[Quarter], list[Month], list[PerformancePeriod]]:
    """Quarters, months and half-years up to the end of ``last``."""
    years = range(FIRST_DATA_YEAR, last.year + 1)
    quarters = [Quarter(year, number) for year in years for number in range(1, 5)]
    months = [Month(year, number) for year in years for number in range(1, 13)]
    halves = [PerformancePeriod(year, half) for year in years for half in (1, 2) if year >= FIRST_YEAR]
    return (
        [key for key in quarters if key.start <= last.end],
        [key for key in months if key.start <= last.end],
        [key for key in halves if key <= last],
    )


_QUARTERS, _MONTHS, _HALVES = calendar(half_year_of(dt.date.today()))

QUARTERS = dg.StaticPartitionsDefinition([str(key) for key in _QUARTERS])
MONTHS = dg.StaticPartitionsDefinition([str(key) for key in _MONTHS])
HALVES = dg.StaticPartitionsDefinition([str(key) for key in _HALVES])


def _needed_by(upstream: Iterable[Quarter | Month]) -> dg.StaticPartitionMapping:
    """A half-year needs its own dates and the same dates a year earlier (methodology §1, the default baseline)."""
    known = set(_HALVES)

    def half_years(key: Quarter | Month) -> list[str]:
        half = 1 if key.start.month <= 6 else 2
        wanted = [PerformancePeriod(key.year, half), PerformancePeriod(key.year + 1, half)]
        return [str(period) for period in wanted if period in known]

    return dg.StaticPartitionMapping({str(key): half_years(key) for key in upstream if half_years(key)})


def base_year_mapping(base_year: int | None) -> dg.PartitionMapping:
    """Which quarters the norms of a half-year come from.

    Args:
        base_year: the policy's; None if it is not known while definitions load: then any quarter may belong to it.
    """
    if base_year is None:
        return dg.AllPartitionMapping()
    quarters = [key for key in _QUARTERS if key.year == base_year]
    return dg.StaticPartitionMapping({str(key): [str(half) for half in _HALVES] for key in quarters})


#: a half-year's two quarters and six months, and the same a year earlier; the base year comes via ``base_year_norms``
QUARTERS_OF_HALVES = _needed_by(_QUARTERS)
MONTHS_OF_HALVES = _needed_by(_MONTHS)


def check_spec(
    name: str,
    asset: dg.AssetKey,
    partitions: dg.PartitionsDefinition,
    description: str,
    *,
    blocking: bool = False,
    additional_deps: Sequence[dg.AssetKey] = (),
) -> dg.AssetCheckSpec:
    """A check with results by partition, so that a later partition does not hide the failure of an earlier one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name,
            asset=asset,
            description=description,
            blocking=blocking,
            additional_deps=list(additional_deps) or None,
            partitions_def=partitions,
        )


_KINDS: tuple[tuple[str, type[Key], dg.StaticPartitionsDefinition], ...] = (
    ("Q", Quarter, QUARTERS),
    ("-", Month, MONTHS),
    ("H", PerformancePeriod, HALVES),
)


def partitions_of(kind: type[Key]) -> dg.StaticPartitionsDefinition:
    """The partitions of a cadence."""
    return next(partitions for _, named, partitions in _KINDS if named is kind)


def parse_key(text: str, kind: type[Key] | None = None) -> Key:
    """The quarter, month or half-year that a key names.

    Args:
        kind: accept only this kind of key.

    Raises:
        UsageError: the text is not a key, or the key is outside the program's calendar.
    """
    for sign, named, partitions in _KINDS:
        if text[4:5] == sign and kind in (None, named):
            key = named.parse(text)
            if not partitions.has_partition_key(text):
                keys = partitions.get_partition_keys()
                if text < keys[0]:
                    raise UsageError(
                        f"{text} is before the first partition, {keys[0]}",
                        fix=f"name one of {keys[0]} to {keys[-1]}",
                    )
                raise UsageError(
                    f"{text} is outside the program's calendar, which ends with the current half-year",
                    fix=f"name one of {keys[0]} to {keys[-1]}",
                )
            return key
    raise UsageError(
        f"'{text}' is not a partition", fix="write a quarter as 2025Q1, a month as 2025-04, a half-year as 2025H1"
    )


#: Dagster's tags of a run over one partition, and over a range of partitions
PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def keys_of_run(tags: Mapping[str, str]) -> list[str]:
    """The partitions of a run, from its tags; an empty list for a run without partitions."""
    if PARTITION in tags:
        return [tags[PARTITION]]
    if RANGE_START not in tags:
        return []
    first, last = tags[RANGE_START], tags[RANGE_END]
    keys = list(partitions_of(type(parse_key(first))).get_partition_keys())
    return keys[keys.index(first) : keys.index(last) + 1]


def name_of_run(keys: Sequence[str]) -> str:
    """``2025Q1``, or ``2025Q1 to 2025Q4``."""
    return keys[0] if len(keys) == 1 else f"{keys[0]} to {keys[-1]}" if keys else ""


def spans(keys: Iterable[Key]) -> list[list[Key]]:
    """The keys grouped into consecutive partitions without a gap: each group is one Dagster run.

    Args:
        keys: of the same cadence.
    """
    found: list[list[Key]] = []
    for key in sorted(set(keys), key=str):
        if found and found[-1][-1].next() == key:
            found[-1].append(key)
        else:
            found.append([key])
    return found
