select
    network_id,
    name as network_name,
    kind as network_kind,
    hospital_ccn,
    topic,
    {{ quoted('start') }} as start_date,
    {{ quoted('end') }} as end_date,
    recruitment_goal
from {{ source('lake', 'networks') }}
