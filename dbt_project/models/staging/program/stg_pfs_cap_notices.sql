select
    hospital_ccn,
    npi,
    calendar_year,
    approved_amount
from {{ source('lake', 'pfs_cap_notices') }}
