-- Step 6, the limit of each hospital: an official pool notice, and from program year two the cumulative internal savings
-- less the incentives of earlier periods and the amounts of other programs (methodology §9). If there are both, the smaller.
with payable as (
    select
        hospital_ccn,
        cast(sum(incentive) as decimal(18, 2)) as incentives
    from {{ ref('int_waterfall_5_pfs_cap') }}
    group by hospital_ccn
),

programs as (
    select * from {{ ref('stg_programs') }}
),

savings as (
    select * from {{ ref('int_internal_savings') }} where scope = '{{ policy("limit_scope") }}'
),

-- Sums to date run over every period since the hospital's program began.
earlier_savings as (
    select
        earlier.hospital_ccn,
        cast(sum(earlier.internal_savings) as decimal(18, 2)) as amount
    from {{ ref('stg_earlier_savings') }} as earlier
    inner join programs using (hospital_ccn)
    where earlier.scope = '{{ policy("limit_scope") }}' and earlier.period >= programs.first_performance_period
    group by earlier.hospital_ccn
),

earlier_incentives as (
    select
        earlier.hospital_ccn,
        cast(sum(earlier.final_incentive) as decimal(18, 2)) as amount
    from {{ ref('stg_earlier_incentives') }} as earlier
    inner join programs using (hospital_ccn)
    where earlier.period >= programs.first_performance_period
    group by earlier.hospital_ccn
),

other_programs as (
    select
        amounts.hospital_ccn,
        cast(sum(amounts.amount) as decimal(18, 2)) as amount
    from {{ ref('stg_other_program_amounts') }} as amounts
    left join programs using (hospital_ccn)
    where amounts.period = '{{ run_fact("name") }}' or amounts.period >= programs.first_performance_period
    group by amounts.hospital_ccn
),

notices as (
    select * from {{ ref('stg_pool_notices') }}
),

parts as (
    select
        payable.hospital_ccn,
        programs.program_year,
        payable.incentives,
        coalesce(savings.internal_savings, 0) + coalesce(earlier_savings.amount, 0) as internal_savings_to_date,
        coalesce(earlier_incentives.amount, 0) as earlier_incentives,
        coalesce(other_programs.amount, 0) as other_program_amounts_to_date,
        notices.incentive_pool,
        coalesce(notices.is_contested, false) as is_contested
    from payable
    left join programs using (hospital_ccn)
    left join savings using (hospital_ccn)
    left join earlier_savings using (hospital_ccn)
    left join earlier_incentives using (hospital_ccn)
    left join other_programs using (hospital_ccn)
    left join notices using (hospital_ccn)
),

limits as (
    select
        *,
        case
            when program_year >= 2
                then greatest(internal_savings_to_date - earlier_incentives - other_program_amounts_to_date, 0)
        end as cumulative_limit
    from parts
)

select
    hospital_ccn,
    program_year,
    cast(internal_savings_to_date as decimal(18, 2)) as internal_savings_to_date,
    cast(earlier_incentives as decimal(18, 2)) as earlier_incentives,
    cast(other_program_amounts_to_date as decimal(18, 2)) as other_program_amounts_to_date,
    cast(cumulative_limit as decimal(18, 2)) as cumulative_limit,
    incentive_pool,
    is_contested,
    -- least() ignores a null, which means that there is no limit of that kind.
    cast(least(cumulative_limit, incentive_pool) as decimal(18, 2)) as distribution_limit,
    incentives as incentives_before_limit
from limits
