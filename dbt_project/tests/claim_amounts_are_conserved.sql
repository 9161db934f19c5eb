-- Why: removing a pair must not change any total. Under every key and in total, the signed amounts of all claim versions
-- equal those of the final ones minus those of orphan cancellations (inputs.md, "Final action").
select
    part,
    claim_key
from {{ ref('int_final_action') }}
group by part, claim_key
having
    sum(signed_paid_amount) <> sum(case when status in ('FINAL', 'ORPHAN_CANCELLATION') then signed_paid_amount else 0 end)
    or sum(signed_allowed_amount)
    <> sum(case when status in ('FINAL', 'ORPHAN_CANCELLATION') then signed_allowed_amount else 0 end)
