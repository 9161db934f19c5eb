-- Step 2: min(calculated, Σ calculated × weight of the conditions met). If all are met and their weights total 100%,
-- nothing is lost to rounding the parts. A hospital without conditions loses nothing here; its payments are held.
with calculated as (
    select * from {{ ref('int_calculated_incentives') }}
),

outcomes as (
    select
        hospital_ccn,
        npi,
        bool_and(is_met) as all_met,
        bool_or(is_missing) as any_missing,
        cast(sum(weight) as decimal(18, 8)) as total_weight,
        cast(coalesce(sum(weight) filter (where is_met), 0) as decimal(18, 8)) as conditions_met_weight,
        cast(sum(weighted_amount) as decimal(18, 2)) as weighted_amount
    from {{ ref('int_condition_outcomes') }}
    group by hospital_ccn, npi
)

select
    calculated.hospital_ccn,
    calculated.npi,
    calculated.calculated_incentive,
    outcomes.conditions_met_weight,
    coalesce(outcomes.all_met, true) as is_every_condition_met,
    coalesce(outcomes.any_missing, false) as any_condition_missing,
    coalesce(outcomes.total_weight < 1, false) as is_weight_short,
    case
        when outcomes.all_met is null then calculated.calculated_incentive
        {% if policy('condition_failure') == 'lose_all' -%}
        when not outcomes.all_met then cast(0 as decimal(18, 2))
        {% endif -%}
        when outcomes.all_met and outcomes.total_weight = 1 then calculated.calculated_incentive
        else least(calculated.calculated_incentive, outcomes.weighted_amount)
    end as incentive
from calculated
left join outcomes using (hospital_ccn, npi)
