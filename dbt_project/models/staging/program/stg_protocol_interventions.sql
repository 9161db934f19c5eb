select
    hospital_ccn,
    intervention_id,
    is_included
from {{ source('lake', 'protocol_interventions') }}
