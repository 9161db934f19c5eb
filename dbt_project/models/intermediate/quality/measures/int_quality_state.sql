-- The base year's statewide readmissions: the base of adjusted rates, and the expected rate of a cell without base-year
-- data.
select
    {{ round_div('coalesce(sum(readmissions), 0)', 'coalesce(sum(index_discharges), 0)', 8) }} as base_rate
from {{ ref('int_quality_cells') }}
