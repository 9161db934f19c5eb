select
    hospital_ccn,
    npi,
    condition_id,
    met
from {{ source('lake', 'condition_results') }}
