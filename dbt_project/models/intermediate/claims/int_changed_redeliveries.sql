-- Records delivered again under the same identity with another key or amount: the newest delivery counts, and this says
-- how often that mattered.
with records as (
    select
        'A' as part,
        claim_id,
        adjustment_type_code,
        cast(null as bigint) as line_no,
        concat_ws('|', provider_ccn, cast(from_date as varchar), cast(thru_date as varchar)) as key_fields,
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
    count(distinct key_fields) > 1
    or count(distinct paid_amount) > 1
    or count(distinct allowed_amount) > 1
