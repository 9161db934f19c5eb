-- One row per claim that CMS has withdrawn (BCDA: a status other than active), with when it last said so: what was delivered
-- of the claim before counts no more.
select
    part,
    claim_id,
    max({{ delivery_moment() }}) as withdrawn_at
from {{ ref('stg_claim_tags') }}
where final_action = 'Withdrawn'
group by part, claim_id
