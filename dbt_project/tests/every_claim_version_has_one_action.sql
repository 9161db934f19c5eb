-- Why: a version lost or duplicated before final action would change the reported Medicare payments.
with before as (
    select part, count(*) as versions, sum(signed_paid_amount) as amount from {{ ref('int_claim_versions') }} group by part
),

after as (
    select part, count(*) as versions, sum(signed_paid_amount) as amount from {{ ref('int_final_action') }} group by part
)

select part
from before
full outer join after using (part)
where before.versions is distinct from after.versions or before.amount is distinct from after.amount
