-- Lines of final Part B and equipment claims. If the claim or the line is denied, it is kept and flagged, but outside every
-- sum. If the claim is in doubt, its lines are kept, flagged, and in every sum.
with lines as (
    select * from {{ ref('int_professional_lines') }}
),

final_action as (
    select * from {{ ref('int_final_action') }} where part in ('B', 'DME') and status = 'FINAL'
),

doubtful as (
    select * from {{ ref('int_doubtful_claims') }} where part in ('B', 'DME')
)

select
    lines.part,
    lines.claim_id,
    lines.line_no,
    lines.mbi,
    lines.claim_type_code,
    lines.service_date,
    lines.npi,
    lines.hcpcs_code,
    lines.paid_amount,
    lines.allowed_amount,
    final_action.is_denied or lines.is_line_denied as is_denied,
    doubtful.doubt_reason is not null as is_in_doubt,
    lines.source_file,
    lines.source_row
from lines
inner join final_action
    on
        lines.part = final_action.part
        and lines.claim_id is not distinct from final_action.claim_id
        and lines.adjustment_type_code is not distinct from final_action.adjustment_type_code
left join doubtful
    on
        lines.part = doubtful.part
        and lines.claim_id is not distinct from doubtful.claim_id
        and lines.adjustment_type_code is not distinct from doubtful.adjustment_type_code
