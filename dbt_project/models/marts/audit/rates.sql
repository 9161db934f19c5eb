-- The rates that brought dollars of other years here and that days are worth: what a recomputation needs beside the cases.
with trends as (
    select * from {{ ref('int_trends') }}
),

per_diems as (
    select * from {{ ref('stg_per_diems') }} where calendar_year = {{ run_fact('year') }}
)

select
    '{{ run_fact("name") }}' as period,
    'trend' as rate,
    window_name || ':' || component as subject,
    trend as rate_value
from trends
where trend is not null
union all
select
    '{{ run_fact("name") }}' as period,
    'per_diem' as rate,
    'severity:' || severity_of_illness as subject,
    cast(per_diem as decimal(18, 8)) as rate_value
from per_diems
