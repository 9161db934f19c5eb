-- Stage 4 of the conservation ledger: exclusions (methodology §3, §5).
with windowed as (
    select * from {{ ref('int_windowed_cases') }}
)

select
    '4 exclusions' as stage,
    window_name,
    hospital_ccn,
    count(*) as cases_in,
    count(*) filter (where is_counted) as cases_kept,
    count(*) filter (where exclusion_reason is not null) as cases_excluded,
    sum(total_cost) as amount_in,
    coalesce(sum(total_cost) filter (where is_counted), 0) as amount_kept,
    coalesce(sum(total_cost) filter (where exclusion_reason is not null), 0) as amount_excluded
from windowed
group by window_name, hospital_ccn
