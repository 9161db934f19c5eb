-- Trends, cost indexes and per diems: the rates that a recomputation needs in addition to the cases.
with trends as (
    select * from {{ ref('int_trends') }}
),

cost_indices as (
    select * from {{ ref('stg_cost_index') }}
    where
        calendar_year in (select calendar_year from {{ ref('stg_windows') }})
        or calendar_year = {{ run_fact('base_year') }}
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
    'cost_index' as rate,
    calendar_year || ':' || component as subject,
    index_value as rate_value
from cost_indices
union all
select
    '{{ run_fact("name") }}' as period,
    'per_diem' as rate,
    'severity:' || severity_of_illness as subject,
    cast(per_diem as decimal(18, 8)) as rate_value
from per_diems
