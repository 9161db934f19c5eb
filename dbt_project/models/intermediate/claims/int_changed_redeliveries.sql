-- Records delivered again under the same identity with another key or amount: the newest delivery counts, and these rows
-- show how often that made a difference.
with records as (
    select
        'A' as part,
        claim_id,
        adjustment_type_code,
        cast(null as bigint) as line_no,
        concat_ws('|', provider_ccn, cast(from_date as string), cast(thru_date as string)) as key_fields,
        payment_amount as paid_amount,
        cast(null as decimal(18, 2)) as allowed_amount
    from {{ ref('stg_part_a_claims') }}
    {%- for part, model in [('B', 'stg_part_b_lines'), ('DME', 'stg_equipment_lines')] %}
    union all
    select
        '{{ part }}' as part,
        claim_id,
        adjustment_type_code,
        line_no,
        claim_control_no as key_fields,
        paid_amount,
        allowed_amount
    from {{ ref(model) }}
    {%- endfor %}
)

select
    part,
    claim_id,
    adjustment_type_code,
    line_no,
    count(*) as deliveries
from records
group by part, claim_id, adjustment_type_code, line_no
having
    count(*) > 1
    and (
        min(key_fields) is distinct from max(key_fields)
        or min(paid_amount) is distinct from max(paid_amount)
        or min(allowed_amount) is distinct from max(allowed_amount)
    )
