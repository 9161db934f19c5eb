-- Discharges read, and those quarantined or superseded, per hospital over the quarters of this build.
select
    hospital_ccn,
    cast(sum(rows_read) as bigint) as rows_read,
    cast(sum(rows_excluded) as bigint) as rows_excluded,
    cast(sum(amount_read) as decimal(18, 2)) as amount_read,
    cast(sum(amount_excluded) as decimal(18, 2)) as amount_excluded
from {{ source('lake', 'receipts') }}
group by hospital_ccn
