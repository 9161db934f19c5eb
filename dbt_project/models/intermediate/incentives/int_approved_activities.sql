-- Approved activities performed: activities of interventions that the hospital's protocol includes.
with activity as (
    select * from {{ ref('stg_intervention_activity') }}
),

included as (
    select * from {{ ref('stg_protocol_interventions') }} where is_included
)

select
    activity.hospital_ccn,
    activity.npi,
    cast(sum(activity.activities) as bigint) as approved_activities
from activity
inner join included using (hospital_ccn, intervention_id)
group by activity.hospital_ccn, activity.npi
