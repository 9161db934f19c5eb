-- The base year's statewide readmissions: what an adjusted rate is a multiple of, and what a cell without a base year is
-- expected by.
select
    {{ round_div('coalesce(sum(readmissions), 0)', 'coalesce(sum(index_discharges), 0)', 8) }} as base_rate
from {{ ref('int_quality_cells') }}
