with activity as (
    select * from {{ ref('stg_intervention_activity') }}
),

care_partners as (
    select hospital_ccn, npi from {{ ref('stg_care_partners') }}
),

included as (
    select hospital_ccn, intervention_id, is_included from {{ ref('stg_protocol_interventions') }}
)

select
    activity.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    activity.npi,
    activity.intervention_id,
    activity.activities,
    coalesce(included.is_included, false) as is_approved
from activity
inner join care_partners using (hospital_ccn, npi)
left join included using (hospital_ccn, intervention_id)
