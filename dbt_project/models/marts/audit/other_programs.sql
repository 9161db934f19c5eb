-- What other programs took, period by period as it is known now: the sums to date of the distribution limits.
select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    period as reported_period,
    program,
    kind,
    amount
from {{ ref('stg_other_program_amounts') }}
