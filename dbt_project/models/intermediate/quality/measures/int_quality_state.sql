-- The base year's statewide readmissions: the base of adjusted rates, and the expectation for a cell without a base
-- year.
select
    {{ round_div('coalesce(sum(readmissions), 0)', 'coalesce(sum(index_discharges), 0)', 8) }} as base_rate
from {{ ref('int_quality_cells') }}
