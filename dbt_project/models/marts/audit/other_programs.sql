-- Amounts apportioned to other programs by period, as known now: part of the sums to date of the distribution limits.
select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    period as reported_period,
    program,
    kind,
    amount
from {{ ref('stg_other_program_amounts') }}
