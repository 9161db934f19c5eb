select
    hospital_ccn,
    approved_on,
    first_performance_period,
    program_year,
    weight_total_percent,
    has_locked_conditions
from {{ source('lake', 'protocols') }}
