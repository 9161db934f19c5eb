-- Why: days saved on a severity without a per diem would silently earn nothing.
select
    hospital_ccn,
    npi
from {{ ref('int_improvement_pools') }}
where cases_without_per_diem > 0 and '{{ run_fact("kind") }}' = 'period'
