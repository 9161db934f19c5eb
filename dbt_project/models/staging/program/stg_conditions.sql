select
    hospital_ccn,
    condition_id,
    description,
    weight_percent
from {{ source('lake', 'conditions') }}
