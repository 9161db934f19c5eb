"""Calculated incentives of many replicates of a period's cases, computed by the models that settled it.

Every care partner is repeated once per replicate (``<npi>#<replicate>``) and the counted cases of each are drawn anew;
the project's own models then compute what each would have been paid. Slow, and an independent check of
``certainty.draws``, which computes the same from whole-number sums.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from hcip_pipeline.certainty.draws import poisson_bounds
from hcip_pipeline.simulation.workbench import Workbench
from hcip_pipeline.warehouse.spec import BuildSpec

Progress = Callable[[str], None]

#: The model of step 1 of the waterfall, and the models that the draws replace.
TARGET = "int_calculated_incentives"
_PATCHES = {
    "int_counted_cases": "from certainty.counted",
    "int_care_partners": """
        select partners.hospital_ccn, partners.npi || '#' || replicates.replicate as npi, partners.name
        from (select hospital_ccn, npi, name from hcip.intermediate.int_care_partners) as partners
        cross join certainty.replicates as replicates""",
}
#: Cases of replicates computed at a time, which limits memory on a whole state.
_CASES_AT_ONCE = 4_000_000
#: 48 bits of a hash, as a number with 12 decimals.
_UNIFORM = "cast(('0x' || substr({hash}, 1, 12)) as hugeint) * 1000000000000 // 281474976710656"

#: Cases whose physicians are care partners of the hospital, and cases of the same physicians elsewhere: the gate of
#: methodology §7 uses both.
_CASES = """
create table certainty.cases as
select cases.*, partners.npi is not null as is_partner
from hcip.intermediate.int_counted_cases as cases
left join hcip.intermediate.int_care_partners as partners using (hospital_ccn, npi)
where window_name in ('performance', 'baseline')
    and cases.npi in (select npi from hcip.intermediate.int_care_partners)
"""
_HASH = "md5(hospital_ccn || '|' || account_no || '|' || replicate)"
_COLUMNS = "window_name, hospital_ccn, account_no, {npi} as npi, stream, service_line, apr_drg, severity_of_illness"
_AMOUNTS = "length_of_stay, core_cost, supply_drug_cost, total_cost"

#: Within hospital, cell and window the n-th case by hash goes to the physician who has the n-th case by account: every
#: physician keeps the same number of cases.
_SHUFFLED = f"""
create or replace table certainty.counted as
with places as (
    select
        window_name, hospital_ccn, apr_drg, severity_of_illness, stream, npi,
        row_number() over (
            partition by window_name, hospital_ccn, apr_drg, severity_of_illness, stream order by account_no
        ) as place
    from certainty.cases where is_partner
),
drawn as (
    select
        cases.* exclude (npi), replicate,
        row_number() over (
            partition by replicate, window_name, hospital_ccn, apr_drg, severity_of_illness, stream order by {_HASH}
        ) as place
    from certainty.cases as cases cross join certainty.replicates
    where is_partner
)
select {_COLUMNS.format(npi="places.npi || '#' || replicate")}, {_AMOUNTS}
from drawn inner join places
using (window_name, hospital_ccn, apr_drg, severity_of_illness, stream, place)
union all by name
select {_COLUMNS.format(npi="npi || '#' || replicate")}, {_AMOUNTS}
from certainty.cases cross join certainty.replicates where not is_partner
"""


def _resampled() -> str:
    """Each case repeated by a Poisson variable of mean 1, or once if the physician is not a care partner."""
    weight = " + ".join(f"cast(u >= {bound} as integer)" for bound in poisson_bounds())
    return f"""
create or replace table certainty.counted as
with drawn as (
    select cases.*, replicate, {_UNIFORM.format(hash=_HASH)} as u
    from certainty.cases as cases cross join certainty.replicates
),
weighted as (select *, case when is_partner then {weight} else 1 end as copies from drawn)
select {_COLUMNS.format(npi="npi || '#' || replicate")}, {_AMOUNTS}
from weighted cross join range(1, {len(poisson_bounds()) + 1}) as counted(copy)
where copy <= copies
"""


def prepare(bench: Workbench) -> None:
    """Add the cases to the workbench; call once per workbench."""
    bench.connection.execute("create schema certainty")
    bench.connection.execute(_CASES)
    bench.connection.execute("create table certainty.replicates (replicate integer)")


def shuffled(bench: Workbench, spec: BuildSpec, replicates: int, progress: Progress = lambda _: None) -> pl.DataFrame:
    """Incentives if care partners did not differ: cases are reassigned within hospital and cell.

    Returns:
        One row per replicate, hospital and care partner: ``calculated_incentive``, dollars.
    """
    return _computed(bench, spec, _SHUFFLED, replicates, progress, "shuffle")


def resampled(bench: Workbench, spec: BuildSpec, replicates: int, progress: Progress = lambda _: None) -> pl.DataFrame:
    """Incentives for other samples of each care partner's own cases; like :func:`shuffled`."""
    return _computed(bench, spec, _resampled(), replicates, progress, "sample")


def as_released(bench: Workbench, spec: BuildSpec) -> pl.DataFrame:
    """One replicate with the cases of the release; like :func:`shuffled`."""
    own = f"""create or replace table certainty.counted as
        select {_COLUMNS.format(npi="npi || '#' || replicate")}, {_AMOUNTS}
        from certainty.cases cross join certainty.replicates"""
    return _computed(bench, spec, own, 1, lambda _: None, "")


def _computed(
    bench: Workbench, spec: BuildSpec, draw: str, replicates: int, progress: Progress, what: str
) -> pl.DataFrame:
    con = bench.connection
    (cases,) = con.execute("select count(*) from certainty.cases").fetchone() or (0,)
    size = max(1, min(replicates, _CASES_AT_ONCE // max(1, cases)))
    found = []
    for start in range(0, replicates, size):
        end = min(replicates, start + size)
        if what:
            progress(f"{what} {end} of {replicates}")
        con.execute("delete from certainty.replicates")
        con.execute("insert into certainty.replicates select unnest(range(?, ?))", [start, end])
        con.execute(draw)
        bench.compute(spec, {}, patches=_PATCHES, checked=False)
        found.append(
            con.sql(
                "select cast(split_part(npi, '#', 2) as integer) as replicate, hospital_ccn,"
                f" split_part(npi, '#', 1) as npi, calculated_incentive from {bench.place('intermediate', TARGET)}"
            ).pl()
        )
    return pl.concat(found).sort("replicate", "hospital_ccn", "npi")
