-- Per hospital and cell: the maximum physician incentive within the hospital's bounds, split by its improvement share (§6).
with norms as (
    select * from {{ ref('int_norms_in_force') }}
),

elections as (
    select * from {{ ref('stg_elections') }}
),

bounded as (
    select
        elections.hospital_ccn,
        norms.apr_drg,
        norms.severity_of_illness,
        elections.improvement_share,
        -- A null bound is no bound: greatest and least ignore it.
        least(greatest(norms.maximum_physician_incentive, elections.mpi_floor), elections.mpi_ceiling)
            as maximum_physician_incentive
    from norms
    cross join elections
),

split as (
    select
        hospital_ccn,
        apr_drg,
        severity_of_illness,
        maximum_physician_incentive,
        {{ round_to(exact_product('maximum_physician_incentive', 'improvement_share'), 2) }} as mpi_improvement
    from bounded
)

select
    hospital_ccn,
    apr_drg,
    severity_of_illness,
    cast(maximum_physician_incentive as decimal(18, 2)) as maximum_physician_incentive,
    mpi_improvement,
    cast(maximum_physician_incentive - mpi_improvement as decimal(18, 2)) as mpi_performance
from split
