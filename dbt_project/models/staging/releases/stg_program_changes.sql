-- Changes since earlier periods were released that may move a hospital's payments.
select
    hospital_ccn,
    reason,
    detail
from {{ source('lake', 'program_changes') }}
