-- Approved activities performed: activities of interventions that the hospital's protocol includes. Without a protocol in
-- force, any reported activity counts as approved (methodology §9, step 3).
with activity as (
    select * from {{ ref('stg_intervention_activity') }}
),

protocols as (
    select hospital_ccn, true as has_protocol from {{ ref('stg_protocols') }}
),

included as (
    select hospital_ccn, intervention_id, true as is_included
    from {{ ref('stg_protocol_interventions') }}
    where is_included
)

select
    activity.hospital_ccn,
    activity.npi,
    cast(sum(activity.activities) as bigint) as approved_activities
from activity
left join protocols using (hospital_ccn)
left join included using (hospital_ccn, intervention_id)
where included.is_included or protocols.has_protocol is null
group by activity.hospital_ccn, activity.npi
