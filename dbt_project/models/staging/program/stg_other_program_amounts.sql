-- Amounts for this period and every earlier one: the limit is cumulative (methodology §9).
select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    program,
    kind,
    amount
from {{ source('lake', 'other_program_amounts') }}
union all
select
    hospital_ccn,
    period,
    program,
    kind,
    amount
from {{ source('lake', 'earlier_other_program_amounts') }}
