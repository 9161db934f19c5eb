-- One row per claim version that CMS tags (BCDA), with the result of matching cancellations, and the reason if the two
-- differ. The matching decides; the newest tag is only compared with it (inputs.md, "Final action").
with tags as (
    select * from {{ ref('stg_claim_tags') }}
    where final_action <> 'Withdrawn'
    qualify {{ newest_delivery(['part', 'claim_id', 'adjustment_type_code']) }}
),

doubtful as (
    select part, claim_id, adjustment_type_code, true as is_in_doubt
    from {{ ref('int_doubtful_claims') }}
),

tagged as (
    select
        versions.part,
        versions.claim_id,
        versions.adjustment_type_code,
        versions.status,
        versions.is_cancellation,
        tags.final_action = 'FinalAction' as is_final_at_cms,
        coalesce(doubtful.is_in_doubt, false) as is_in_doubt
    from {{ ref('int_final_action') }} as versions
    inner join tags
        on
            versions.part = tags.part
            and versions.claim_id = tags.claim_id
            and versions.adjustment_type_code is not distinct from tags.adjustment_type_code
    left join doubtful
        on
            versions.part = doubtful.part
            and versions.claim_id = doubtful.claim_id
            and versions.adjustment_type_code is not distinct from doubtful.adjustment_type_code
)

select
    *,
    case
        when (status = 'FINAL') = is_final_at_cms then null
        when is_cancellation then 'CANCELLATION_FINAL_AT_CMS'
        when is_final_at_cms then 'CANCELLED_HERE'
        when is_in_doubt then 'REPLACED_AT_CMS'
        else 'FINAL_HERE'
    end as difference
from tagged
