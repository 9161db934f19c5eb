with conditions as (
    select * from {{ ref('stg_conditions') }}
),

outcomes as (
    select
        hospital_ccn,
        condition_id,
        count(*) as care_partners,
        count(*) filter (where is_met) as met,
        count(*) filter (where not is_met and not is_missing) as not_met,
        count(*) filter (where is_missing) as missing,
        sum(weighted_amount) as weighted_amount
    from {{ ref('int_condition_outcomes') }}
    group by hospital_ccn, condition_id
)

select
    conditions.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    conditions.condition_id,
    conditions.description,
    conditions.measure,
    conditions.threshold,
    {{ round_div('conditions.weight_percent', '100', 8) }} as weight,
    conditions.intervention_ids,
    coalesce(outcomes.care_partners, 0) as care_partners,
    coalesce(outcomes.met, 0) as met,
    coalesce(outcomes.not_met, 0) as not_met,
    coalesce(outcomes.missing, 0) as missing,
    cast(coalesce(outcomes.weighted_amount, 0) as decimal(18, 2)) as weighted_amount
from conditions
left join outcomes using (hospital_ccn, condition_id)
