-- One row per claim that CMS has withdrawn (BCDA: a status other than active), with the time of CMS's latest notice;
-- earlier deliveries of the claim no longer count.
select
    part,
    claim_id,
    max({{ delivery_moment() }}) as withdrawn_at
from {{ ref('stg_claim_tags') }}
where final_action = 'Withdrawn'
group by part, claim_id
