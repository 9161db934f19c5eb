-- One row a claim version of any part, with the key its history is told under and the amounts it must agree on to be a
-- pair (inputs.md, "Final action"): Part A the payment, Part B and equipment the amounts of all its lines, paid and
-- allowed both, so that which of two equal candidates goes changes neither total.
with part_a as (
    select
        'A' as part,
        claim_id,
        adjustment_type_code,
        concat_ws(
            '|', coalesce(provider_ccn, ''), cast(from_date as varchar), cast(thru_date as varchar), coalesce(mbi, '')
        ) as claim_key,
        coalesce(cast(payment_amount as varchar), '') as agreeing_amounts,
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
        {{ sorted_text("concat_ws('/', coalesce(cast(paid_amount as varchar), ''), coalesce(cast(allowed_amount as varchar), ''))") }}
            as agreeing_amounts,
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
    adjustment_type_code = '1' as is_cancellation,
    claim_key,
    agreeing_amounts,
    cast(case when adjustment_type_code = '1' then -paid_amount else paid_amount end as decimal(18, 2)) as signed_paid_amount,
    cast(case when adjustment_type_code = '1' then -allowed_amount else allowed_amount end as decimal(18, 2))
        as signed_allowed_amount,
    is_denied
from versions
