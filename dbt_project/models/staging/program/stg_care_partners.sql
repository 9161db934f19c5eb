select
    hospital_ccn,
    npi,
    name,
    specialty,
    tin,
    tin is not null as has_tin,
    participation_start,
    participation_end,
    arrangement_signed,
    screening_status
from {{ source('lake', 'care_partners') }}
