-- Final claims that may count one service twice: they stay in every total, and are counted by reason (inputs.md, "Final
-- action"). Of several final claims under one key, the newest adjustment (without an adjustment, the newest claim) is
-- assumed to be right, and the others are in doubt. An adjustment that is alone under its key and has no cancellation is
-- also in doubt: the claim it replaces may be final under another key. Denied claims are in no sum of payments, and a key
-- without its first part (provider, control number) identifies no claim.
with final_claims as (
    select
        part,
        claim_id,
        adjustment_type_code,
        claim_key,
        signed_paid_amount as paid_amount,
        coalesce(adjustment_type_code = '2', false) as is_adjustment
    from {{ ref('int_final_action') }}
    where status = 'FINAL' and not is_denied and claim_key not like '|%'
),

cancelled_keys as (
    select
        part,
        claim_key,
        true as has_cancellation
    from {{ ref('int_final_action') }}
    where is_cancellation
    group by part, claim_key
),

ranked as (
    select
        *,
        count(*) over (partition by part, claim_key) as claims_of_key,
        sum(cast(is_adjustment as integer)) over (partition by part, claim_key) as adjustments_of_key,
        row_number() over (
            partition by part, claim_key
            order by is_adjustment desc, try_cast(claim_id as bigint) desc nulls last, claim_id desc
        ) as place
    from final_claims
),

judged as (
    select
        ranked.part,
        ranked.claim_id,
        ranked.adjustment_type_code,
        ranked.paid_amount,
        case
            when ranked.place > 1 and ranked.adjustments_of_key > 0 then 'REPLACED_NOT_CANCELLED'
            when ranked.place > 1 then 'SEVERAL_UNDER_KEY'
            when
                ranked.claims_of_key = 1 and ranked.is_adjustment and cancelled_keys.has_cancellation is null
                then 'ADJUSTMENT_ALONE'
        end as doubt_reason
    from ranked
    left join cancelled_keys on ranked.part = cancelled_keys.part and ranked.claim_key = cancelled_keys.claim_key
)

select * from judged where doubt_reason is not null
