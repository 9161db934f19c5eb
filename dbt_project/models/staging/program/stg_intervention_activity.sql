select
    hospital_ccn,
    npi,
    intervention_id,
    activities
from {{ source('lake', 'intervention_activity') }}
