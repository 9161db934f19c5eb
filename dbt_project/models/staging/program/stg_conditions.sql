select
    hospital_ccn,
    condition_id,
    description,
    measure,
    threshold,
    weight_percent,
    intervention_ids
from {{ source('lake', 'conditions') }}
