with interventions as (
    select * from {{ ref('stg_protocol_interventions') }}
),

activity as (
    select
        hospital_ccn,
        intervention_id,
        count(*) filter (where activities > 0) as care_partners_reporting,
        sum(activities) as activities
    from {{ ref('stg_intervention_activity') }}
    group by hospital_ccn, intervention_id
)

select
    interventions.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    interventions.intervention_id,
    interventions.category,
    interventions.wording,
    coalesce(interventions.is_included, false) as is_included,
    coalesce(interventions.is_existing_strategy, false) as is_existing_strategy,
    coalesce(interventions.is_condition_of_payment, false) as is_condition_of_payment,
    interventions.non_cash_resources,
    coalesce(activity.care_partners_reporting, 0) as care_partners_reporting,
    cast(coalesce(activity.activities, 0) as bigint) as activities
from interventions
left join activity using (hospital_ccn, intervention_id)
