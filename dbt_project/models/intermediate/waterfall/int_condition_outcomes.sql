-- Each care partner's conditions of payment: met, not met, or without a result, and what the weight is worth (§9, step 2).
-- A condition that names a computed measure is evaluated; its reported result counts only if there are no data to measure.
with calculated as (
    select * from {{ ref('int_calculated_incentives') }}
),

conditions as (
    select * from {{ ref('stg_conditions') }}
),

results as (
    select * from {{ ref('stg_condition_results') }}
),

measures as (
    select * from {{ ref('int_all_payer_measures') }}
),

measured as (
    select
        calculated.hospital_ccn,
        calculated.npi,
        conditions.condition_id,
        conditions.description,
        {{ round_div('conditions.weight_percent', '100', 8) }} as weight,
        calculated.calculated_incentive,
        conditions.computed_measure,
        conditions.measured_level,
        conditions.threshold_operator,
        conditions.threshold_value,
        results.met as reported,
        measures.value as measured_value,
        case
            when measures.value is null then null
            when conditions.threshold_operator = 'below' then measures.value < conditions.threshold_value
            when conditions.threshold_operator = 'at most' then measures.value <= conditions.threshold_value
            when conditions.threshold_operator = 'at least' then measures.value >= conditions.threshold_value
            when conditions.threshold_operator = 'above' then measures.value > conditions.threshold_value
        end as is_reached
    from calculated
    inner join conditions using (hospital_ccn)
    left join results using (hospital_ccn, npi, condition_id)
    left join measures
        on
            calculated.hospital_ccn = measures.hospital_ccn
            and conditions.computed_measure = measures.measure
            and conditions.measured_level = measures.level
            and case conditions.measured_level when 'physician' then calculated.npi else 'ALL' end = measures.subject
),

judged as (
    select
        *,
        is_reached is null and reported is null as is_missing,
        coalesce(is_reached, reported = 'Y', false) as is_met
    from measured
)

select
    hospital_ccn,
    npi,
    condition_id,
    description,
    weight,
    is_met,
    is_missing,
    case when is_reached is not null then 'MEASURED' when reported is not null then 'REPORTED' end as source,
    reported,
    computed_measure,
    measured_level,
    measured_value,
    threshold_operator,
    threshold_value,
    case
        when is_met then {{ round_to(exact_product('calculated_incentive', 'weight'), 2) }}
        else cast(0 as decimal(18, 2))
    end as weighted_amount
from judged
