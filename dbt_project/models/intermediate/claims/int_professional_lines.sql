-- One row per line of a version of a Part B or equipment claim, however often it was delivered, under the beneficiary's
-- current identifier. A claim is denied by its carrier denial code, a line by its processing indicator. Lines of claims that
-- CMS has since withdrawn are left out.
with delivered as (
    {%- for part, model in [('B', 'stg_part_b_lines'), ('DME', 'stg_equipment_lines')] %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select
        '{{ part }}' as part,
        claim_id,
        line_no,
        mbi,
        claim_type_code,
        claim_control_no,
        adjustment_type_code,
        service_date,
        npi,
        hcpcs_code,
        paid_amount,
        allowed_amount,
        carrier_denial_code,
        processing_indicator_code,
        source_archive,
        source_file,
        source_row,
        file_date
    from {{ ref(model) }}
    {%- endfor %}
),

lines as (
    select
        *,
        {{ delivery_moment() }} as delivered_at
    from delivered
    qualify {{ newest_delivery(['part', 'claim_id', 'adjustment_type_code', 'line_no']) }}
),

identifiers as (
    select * from {{ ref('int_current_identifiers') }}
)

select
    lines.part,
    lines.claim_id,
    lines.adjustment_type_code,
    lines.line_no,
    coalesce(identifiers.current_mbi, lines.mbi) as mbi,
    lines.claim_type_code,
    lines.claim_control_no,
    lines.service_date,
    lines.npi,
    lines.hcpcs_code,
    lines.paid_amount,
    lines.allowed_amount,
    coalesce(lines.carrier_denial_code not in ('1', '2', '3', '4', '5', '6', '7', '8', '9'), false) as is_claim_denied,
    coalesce(lines.processing_indicator_code not in ('A', 'R', 'S'), false) as is_line_denied,
    lines.source_file,
    lines.source_row
from lines
left join identifiers on lines.mbi = identifiers.mbi
left join {{ ref('int_withdrawn_claims') }} as withdrawn
    on lines.part = withdrawn.part and lines.claim_id = withdrawn.claim_id
where withdrawn.withdrawn_at is null or withdrawn.withdrawn_at <= lines.delivered_at
