-- Why: a case or a cent that a join loses is a payment that nobody can recompute (methodology §3).
select
    stage,
    window_name,
    hospital_ccn
from {{ ref('conservation') }}
where cases_in <> cases_kept + cases_excluded or amount_in <> amount_kept + amount_excluded
