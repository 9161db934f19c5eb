-- One row per final Part B or equipment claim: its lines that are not denied, added up.
select
    part,
    claim_id,
    min(mbi) as mbi,
    min(claim_type_code) as claim_type_code,
    min(service_date) as from_date,
    max(service_date) as thru_date,
    count(*) as lines,
    count(*) filter (where is_denied) as denied_lines,
    cast(coalesce(sum(paid_amount) filter (where not is_denied), 0) as decimal(18, 2)) as paid_amount,
    cast(coalesce(sum(allowed_amount) filter (where not is_denied), 0) as decimal(18, 2)) as allowed_amount
from {{ ref('int_final_professional_lines') }}
group by part, claim_id
