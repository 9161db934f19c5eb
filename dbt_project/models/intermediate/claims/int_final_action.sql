-- What became of every claim version (inputs.md, "Final action"): under one key, each cancellation is paired with one
-- original or adjustment with the same amounts, the lowest claim id first; the remaining originals and adjustments are
-- final. Order of arrival and dates play no part.
with versions as (
    select * from {{ ref('int_claim_versions') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by part, claim_key, agreeing_amounts, is_cancellation
            order by {{ claim_id_order('claim_id') }}, adjustment_type_code
        ) as place,
        sum(cast(is_cancellation as integer)) over (partition by part, claim_key, agreeing_amounts) as cancellations,
        sum(cast(not is_cancellation as integer)) over (partition by part, claim_key, agreeing_amounts) as candidates,
        sum(cast(not is_cancellation as integer)) over (partition by part, claim_key) as candidates_of_key
    from {{ ref('int_contested_claims') }}
),

decided as (
    select
        part,
        claim_id,
        adjustment_type_code,
        agreeing_amounts,
        case
            when not is_cancellation and place > cancellations then 'FINAL'
            when not is_cancellation then 'CANCELLED'
            when place <= candidates then 'CANCELLATION'
            else 'ORPHAN_CANCELLATION'
        end as status,
        -- Fewer cancellations than equal candidates: the choice changes no total, and is reported.
        cancellations > 0 and cancellations < candidates as is_ambiguous,
        case
            when not is_cancellation or place <= candidates then null
            when candidates_of_key = 0 then 'NO_CLAIM_UNDER_KEY'
            when candidates = 0 then 'NO_CLAIM_OF_AMOUNT'
            else 'MORE_CANCELLATIONS_THAN_CLAIMS'
        end as orphan_reason
    from ranked
)

select
    versions.part,
    versions.claim_id,
    versions.adjustment_type_code,
    versions.is_cancellation,
    versions.claim_key,
    decided.agreeing_amounts,
    versions.signed_paid_amount,
    versions.signed_allowed_amount,
    versions.is_denied,
    coalesce(decided.status, 'FINAL') as status,
    coalesce(decided.is_ambiguous, false) as is_ambiguous,
    decided.orphan_reason
from versions
left join decided
    on
        versions.part = decided.part
        and versions.claim_id is not distinct from decided.claim_id
        and versions.adjustment_type_code is not distinct from decided.adjustment_type_code
