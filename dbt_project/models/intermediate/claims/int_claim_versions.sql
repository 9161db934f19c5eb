-- One row per claim version of any part, with the key of its history (inputs.md, "Final action") and its amounts,
-- a cancellation's negative.
with part_a as (
    select
        'A' as part,
        claim_id,
        adjustment_type_code,
        concat_ws(
            '|', coalesce(provider_ccn, ''), cast(from_date as string), cast(thru_date as string), coalesce(mbi, '')
        ) as claim_key,
        coalesce(payment_amount, 0) as paid_amount,
        cast(0 as decimal(18, 2)) as allowed_amount,
        is_denied
    from {{ ref('int_part_a_claims') }}
),

professional as (
    select
        part,
        claim_id,
        adjustment_type_code,
        concat_ws('|', coalesce(min(claim_control_no), ''), coalesce(min(mbi), '')) as claim_key,
        cast(coalesce(sum(paid_amount), 0) as decimal(18, 2)) as paid_amount,
        cast(coalesce(sum(allowed_amount), 0) as decimal(18, 2)) as allowed_amount,
        bool_or(is_claim_denied) as is_denied
    from {{ ref('int_professional_lines') }}
    group by part, claim_id, adjustment_type_code
),

versions as (
    select * from part_a
    union all
    select * from professional
)

select
    part,
    claim_id,
    adjustment_type_code,
    coalesce(adjustment_type_code = '1', false) as is_cancellation,
    claim_key,
    cast(case when adjustment_type_code = '1' then -paid_amount else paid_amount end as decimal(18, 2)) as signed_paid_amount,
    cast(case when adjustment_type_code = '1' then -allowed_amount else allowed_amount end as decimal(18, 2))
        as signed_allowed_amount,
    is_denied
from versions
