select
    network_id,
    name as network_name,
    kind as network_kind,
    hospital_ccn,
    topic,
    "start" as start_date,
    "end" as end_date,
    recruitment_goal
from {{ source('lake', 'networks') }}
