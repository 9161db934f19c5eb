select
    hospital_ccn,
    finding_id,
    subject,
    severity,
    message,
    fix
from {{ source('lake', 'protocol_findings') }}
