-- The program of each hospital: when it began (methodology §15), with or without care partners.
select
    hospital_ccn,
    accepted_first_period,
    other_first_periods,
    corrected_first_period,
    correction_filed_in,
    first_performance_period,
    period_number,
    program_year,
    is_first_period_changed,
    terms
from {{ source('lake', 'programs') }}
