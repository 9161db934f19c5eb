-- What became of every claim version (inputs.md, "Final action"): under one key, each cancellation goes together with one
-- original or adjustment of the same amounts, the lowest claim id first; what remains is final. Order of arrival, dates and
-- the newest row play no part.
with versions as (
    select
        *,
        row_number() over (
            partition by part, claim_key, agreeing_amounts, is_cancellation
            order by {{ claim_id_order('claim_id') }}, adjustment_type_code
        ) as place,
        count(*) filter (where is_cancellation) over (partition by part, claim_key, agreeing_amounts) as cancellations,
        count(*) filter (where not is_cancellation) over (partition by part, claim_key, agreeing_amounts) as candidates,
        count(*) filter (where not is_cancellation) over (partition by part, claim_key) as candidates_of_key
    from {{ ref('int_claim_versions') }}
)

select
    part,
    claim_id,
    adjustment_type_code,
    is_cancellation,
    claim_key,
    signed_paid_amount,
    signed_allowed_amount,
    is_denied,
    case
        when not is_cancellation and place > cancellations then 'FINAL'
        when not is_cancellation then 'CANCELLED'
        when place <= candidates then 'CANCELLATION'
        else 'ORPHAN_CANCELLATION'
    end as status,
    -- Fewer cancellations than equal candidates: which of them went is immaterial to every total, and reported.
    cancellations > 0 and cancellations < candidates as is_ambiguous,
    case
        when not is_cancellation or place <= candidates then null
        when candidates_of_key = 0 then 'NO_CLAIM_UNDER_KEY'
        when candidates = 0 then 'NO_CLAIM_OF_AMOUNT'
        else 'MORE_CANCELLATIONS_THAN_CLAIMS'
    end as orphan_reason
from versions
