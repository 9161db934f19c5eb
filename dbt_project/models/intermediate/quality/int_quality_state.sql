-- The base year's statewide readmissions: what an adjusted rate is a multiple of, and what a cell without a base year is
-- expected by.
select
    coalesce(sum(readmissions), 0) as state_readmissions,
    coalesce(sum(index_discharges), 0) as state_index_discharges,
    {{ round_div('coalesce(sum(readmissions), 0)', 'coalesce(sum(index_discharges), 0)', 8) }} as state_rate
from {{ ref('int_quality_cells') }}
