-- trend(a→b) = index_b ÷ index_a, 8 places, from the year of each window to the year of the performance window (§2).
with windows as (
    select window_name, calendar_year from {{ ref('stg_windows') }} where window_name <> 'base_year'
    union all
    -- The base year's own cases may be far behind: its norm table is frozen.
    select 'base_year' as window_name, {{ run_fact('base_year') }} as calendar_year
),

indices as (
    select * from {{ ref('stg_cost_index') }}
),

components as (
    select 'core' as component
    union all
    select 'supply_drug' as component
    union all
    select 'total' as component
)

select
    windows.window_name,
    components.component,
    -- Dollars of the same year need no index.
    case
        when windows.calendar_year = {{ run_fact('year') }} then cast(1 as decimal(18, 8))
        else {{ round_div('performance.index_value', 'own.index_value', 8) }}
    end as trend
from windows
cross join components
left join indices as own
    on windows.calendar_year = own.calendar_year and components.component = own.component
left join indices as performance
    on performance.calendar_year = {{ run_fact('year') }} and components.component = performance.component
