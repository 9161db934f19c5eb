select
    hospital_ccn,
    intervention_id,
    quarter,
    measured,
    numerator,
    denominator
from {{ source('lake', 'redesign_results') }}
