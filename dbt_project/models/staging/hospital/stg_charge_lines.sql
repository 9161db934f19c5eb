select
    hospital_ccn,
    account_no,
    revenue_code,
    charge
from {{ source('lake', 'charges') }}
