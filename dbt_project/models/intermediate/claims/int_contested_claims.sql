-- The claim versions under a key that has a cancellation, with the amounts on which a pair must agree: for Part A the
-- payment; for Part B and equipment the amounts of all lines, both paid and allowed, for Part B by rendering NPI. Removing
-- either of two equal candidates therefore changes no total and no physician's cap. Most keys have no cancellation and are
-- not included.
with versions as (
    select * from {{ ref('int_claim_versions') }}
),

contested_keys as (
    select part, claim_key
    from versions
    where is_cancellation
    group by part, claim_key
),

contested as (
    select versions.*
    from versions
    inner join contested_keys using (part, claim_key)
),

-- Equipment has no rendering physician: its NPI is the supplier's.
lines as (
    select
        *,
        case when part = 'B' then npi end as rendering_npi
    from {{ ref('int_professional_lines') }}
),

line_amounts as (
    select
        lines.part,
        lines.claim_id,
        lines.adjustment_type_code,
        {{ sorted_text("concat_ws('/', coalesce(rendering_npi, ''), coalesce(cast(paid_amount as string), ''), coalesce(cast(allowed_amount as string), ''))") }}
            as agreeing_amounts
    from lines
    inner join contested
        on
            lines.part = contested.part
            and lines.claim_id is not distinct from contested.claim_id
            and lines.adjustment_type_code is not distinct from contested.adjustment_type_code
    group by lines.part, lines.claim_id, lines.adjustment_type_code
)

select
    contested.part,
    contested.claim_id,
    contested.adjustment_type_code,
    contested.is_cancellation,
    contested.claim_key,
    coalesce(
        line_amounts.agreeing_amounts,
        cast(case when contested.is_cancellation then -contested.signed_paid_amount else contested.signed_paid_amount end as string)
    ) as agreeing_amounts
from contested
left join line_amounts
    on
        contested.part = line_amounts.part
        and contested.claim_id is not distinct from line_amounts.claim_id
        and contested.adjustment_type_code is not distinct from line_amounts.adjustment_type_code
