-- The performance incentive of every counted case of a care partner in a cell with a norm (methodology §7).
with counted as (
    select * from {{ ref('int_counted_cases') }} where window_name = 'performance'
),

care_partners as (
    select * from {{ ref('int_care_partners') }}
),

norms as (
    select * from {{ ref('int_norms_in_force') }}
),

pools as (
    select * from {{ ref('int_hospital_incentive_pools') }}
),

gated as (
    select *, true as is_gated from {{ ref('int_performance_gate') }}
),

fractions as (
    select
        counted.hospital_ccn,
        counted.account_no,
        counted.npi,
        counted.stream,
        counted.apr_drg,
        counted.severity_of_illness,
        counted.length_of_stay,
        counted.total_cost as cost,
        norms.best_practice_norm,
        norms.p75_cost,
        norms.improvement_ceiling_cost,
        norms.cost_weight,
        norms.los_weight,
        pools.mpi_improvement,
        pools.mpi_performance,
        coalesce(gated.is_gated, false) as is_gated,
        case
            when norms.p75_cost <= norms.best_practice_norm
                then cast(counted.total_cost <= norms.best_practice_norm as integer)
            else {{ round_div(
                clamp('norms.p75_cost - counted.total_cost', '0', 'norms.p75_cost - norms.best_practice_norm'),
                'norms.p75_cost - norms.best_practice_norm', 8
            ) }}
        end as performance_fraction
    from counted
    inner join care_partners using (hospital_ccn, npi)
    inner join norms using (apr_drg, severity_of_illness)
    inner join pools using (hospital_ccn, apr_drg, severity_of_illness)
    left join gated using (npi, apr_drg, severity_of_illness)
)

select
    hospital_ccn,
    account_no,
    npi,
    stream,
    apr_drg,
    severity_of_illness,
    length_of_stay,
    cost,
    best_practice_norm,
    p75_cost,
    improvement_ceiling_cost,
    cost_weight,
    los_weight,
    mpi_improvement,
    mpi_performance,
    is_gated,
    performance_fraction,
    case
        when is_gated then cast(0 as decimal(18, 2))
        else {{ round_to(exact_product('mpi_performance', power_curve('performance_fraction', policy('performance_exponent'))), 2) }}
    end as performance_incentive
from fractions
