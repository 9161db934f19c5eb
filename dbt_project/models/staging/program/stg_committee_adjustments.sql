select
    hospital_ccn,
    npi,
    adjustment_amount
from {{ source('lake', 'committee_adjustments') }}
