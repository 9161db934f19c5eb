select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    finding_id,
    subject,
    severity,
    message,
    fix
from {{ ref('stg_protocol_findings') }}
