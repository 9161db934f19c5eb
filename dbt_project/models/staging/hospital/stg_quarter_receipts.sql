-- Hospitals' submissions by quarter: rows and charges read and excluded.
select
    hospital_ccn,
    quarter,
    rows_read,
    rows_excluded,
    amount_read,
    amount_excluded
from {{ source('lake', 'receipts') }}
