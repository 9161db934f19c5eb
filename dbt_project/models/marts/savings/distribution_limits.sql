with limits as (
    select * from {{ ref('int_distribution_limits') }}
),

after_limit as (
    select
        hospital_ccn,
        cast(sum(incentive) as decimal(18, 2)) as incentives
    from {{ ref('int_waterfall_6_distribution_limit') }}
    group by hospital_ccn
)

select
    limits.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    limits.program_year,
    limits.internal_savings_to_date,
    limits.earlier_incentives,
    limits.other_program_amounts_to_date,
    limits.cumulative_limit,
    limits.incentive_pool,
    limits.is_contested,
    limits.distribution_limit,
    limits.incentives_before_limit,
    after_limit.incentives as incentives_after_limit
from limits
inner join after_limit using (hospital_ccn)
