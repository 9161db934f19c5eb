-- Each care partner's conditions of payment: met, not met, or not reported, and what the weight is worth (§9, step 2).
with calculated as (
    select * from {{ ref('int_calculated_incentives') }}
),

conditions as (
    select * from {{ ref('stg_conditions') }}
),

results as (
    select * from {{ ref('stg_condition_results') }}
),

judged as (
    select
        calculated.hospital_ccn,
        calculated.npi,
        conditions.condition_id,
        conditions.description,
        {{ round_div('conditions.weight_percent', '100', 8) }} as weight,
        results.met is null as is_missing,
        coalesce(results.met = 'Y', false) as is_met,
        calculated.calculated_incentive
    from calculated
    inner join conditions using (hospital_ccn)
    left join results using (hospital_ccn, npi, condition_id)
)

select
    hospital_ccn,
    npi,
    condition_id,
    description,
    weight,
    is_met,
    is_missing,
    case
        when is_met then {{ round_to(exact_product('calculated_incentive', 'weight'), 2) }}
        else cast(0 as decimal(18, 2))
    end as weighted_amount
from judged
