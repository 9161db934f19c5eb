-- Changes since earlier periods were released that may move a hospital's payments (methodology §15).
select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    reason,
    detail
from {{ ref('stg_program_changes') }}
