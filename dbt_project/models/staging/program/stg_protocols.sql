select
    hospital_ccn,
    legal_name,
    approved_on,
    first_performance_period,
    program_year,
    weight_total_percent,
    has_locked_conditions,
    meeting_frequency,
    meetings_reported
from {{ source('lake', 'protocols') }}
