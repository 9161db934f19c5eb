select
    hospital_ccn,
    protocol_year,
    version,
    sha256,
    legal_name,
    approved_on,
    first_performance_period,
    weight_total_percent,
    has_locked_conditions,
    meeting_frequency,
    meetings_reported
from {{ source('lake', 'protocols') }}
