-- The result of final action for each part of the claims: every delivered row and every cent is accounted for. Also counts
-- the final claims that may count a service twice.
with delivered as (
    select 'A' as part, count(*) as rows_delivered from {{ ref('stg_part_a_claims') }}
    union all
    select 'B' as part, count(*) as rows_delivered from {{ ref('stg_part_b_lines') }}
    union all
    select 'DME' as part, count(*) as rows_delivered from {{ ref('stg_equipment_lines') }}
),

counted as (
    select 'A' as part, count(*) as rows_counted from {{ ref('int_part_a_claims') }}
    union all
    select part, count(*) as rows_counted from {{ ref('int_professional_lines') }} group by part
),

changed as (
    select part, count(*) as rows_changed from {{ ref('int_changed_redeliveries') }} group by part
),

ambiguous as (
    select part, count(*) as ambiguous_groups
    from (
        select part, claim_key, agreeing_amounts
        from {{ ref('int_final_action') }}
        where is_ambiguous
        group by part, claim_key, agreeing_amounts
    )
    group by part
),

doubtful as (
    select
        part,
        {%- for reason, claims, amount in [
            ('SEVERAL_UNDER_KEY', 'claims_under_one_key', 'under_one_key_amount'),
            ('REPLACED_NOT_CANCELLED', 'claims_replaced', 'replaced_amount'),
            ('ADJUSTMENT_ALONE', 'adjustments_alone', 'adjustments_alone_amount'),
        ] %}
        count(*) filter (where doubt_reason = '{{ reason }}') as {{ claims }},
        cast(coalesce(sum(paid_amount) filter (where doubt_reason = '{{ reason }}'), 0) as decimal(18, 2)) as {{ amount }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_doubtful_claims') }}
    group by part
),

tagged as (
    select
        part,
        count(*) as tagged_claims,
        count(difference) as tags_differing,
        {%- for difference, column in [
            ('REPLACED_AT_CMS', 'differing_replaced'),
            ('FINAL_HERE', 'differing_final'),
            ('CANCELLED_HERE', 'differing_cancelled'),
            ('CANCELLATION_FINAL_AT_CMS', 'differing_cancellations'),
        ] %}
        count(*) filter (where difference = '{{ difference }}') as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_tagged_claims') }}
    group by part
),

versions as (
    select
        part,
        count(*) as claim_versions,
        count(*) filter (where status = 'FINAL') as final_claims,
        count(*) filter (where status = 'FINAL' and is_denied) as denied_final_claims,
        count(*) filter (where status = 'CANCELLED') as cancelled_claims,
        count(*) filter (where status = 'ORPHAN_CANCELLATION') as orphan_cancellations,
        count(*) filter (where orphan_reason = 'NO_CLAIM_UNDER_KEY') as orphans_without_key,
        count(*) filter (where orphan_reason = 'NO_CLAIM_OF_AMOUNT') as orphans_without_amount,
        count(*) filter (where orphan_reason = 'MORE_CANCELLATIONS_THAN_CLAIMS') as orphans_in_excess,
        cast(coalesce(sum(signed_paid_amount), 0) as decimal(18, 2)) as signed_amount,
        cast(coalesce(sum(signed_paid_amount) filter (where status = 'FINAL'), 0) as decimal(18, 2)) as final_amount,
        cast(coalesce(-sum(signed_paid_amount) filter (where status = 'ORPHAN_CANCELLATION'), 0) as decimal(18, 2))
            as orphan_amount
    from {{ ref('int_final_action') }}
    group by part
)

select
    '{{ run_fact('name') }}' as period,
    delivered.part,
    delivered.rows_delivered,
    delivered.rows_delivered - coalesce(counted.rows_counted, 0) as rows_repeated,
    coalesce(changed.rows_changed, 0) as rows_changed,
    coalesce(versions.claim_versions, 0) as claim_versions,
    coalesce(versions.final_claims, 0) as final_claims,
    coalesce(versions.denied_final_claims, 0) as denied_final_claims,
    coalesce(versions.cancelled_claims, 0) as cancelled_claims,
    coalesce(versions.orphan_cancellations, 0) as orphan_cancellations,
    coalesce(versions.orphans_without_key, 0) as orphans_without_key,
    coalesce(versions.orphans_without_amount, 0) as orphans_without_amount,
    coalesce(versions.orphans_in_excess, 0) as orphans_in_excess,
    coalesce(ambiguous.ambiguous_groups, 0) as ambiguous_groups,
    coalesce(versions.signed_amount, 0) as signed_amount,
    coalesce(versions.final_amount, 0) as final_amount,
    coalesce(versions.orphan_amount, 0) as orphan_amount,
    coalesce(doubtful.claims_under_one_key, 0) as claims_under_one_key,
    coalesce(doubtful.under_one_key_amount, 0) as under_one_key_amount,
    coalesce(doubtful.claims_replaced, 0) as claims_replaced,
    coalesce(doubtful.replaced_amount, 0) as replaced_amount,
    coalesce(doubtful.adjustments_alone, 0) as adjustments_alone,
    coalesce(doubtful.adjustments_alone_amount, 0) as adjustments_alone_amount,
    coalesce(tagged.tagged_claims, 0) as tagged_claims,
    coalesce(tagged.tags_differing, 0) as tags_differing,
    coalesce(tagged.differing_replaced, 0) as differing_replaced,
    coalesce(tagged.differing_final, 0) as differing_final,
    coalesce(tagged.differing_cancelled, 0) as differing_cancelled,
    coalesce(tagged.differing_cancellations, 0) as differing_cancellations
from delivered
left join counted using (part)
left join changed using (part)
left join versions using (part)
left join ambiguous using (part)
left join doubtful using (part)
left join tagged using (part)
