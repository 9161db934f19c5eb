-- Why: every zero and every hold must have a reason (methodology §9).
select
    hospital_ccn,
    npi
from {{ ref('incentives') }}
where (status <> 'PAYABLE' or final_incentive < calculated_incentive) and reasons = ''
