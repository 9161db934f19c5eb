-- Why: a version lost or doubled on the way to final action would change what Medicare is said to have paid.
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
