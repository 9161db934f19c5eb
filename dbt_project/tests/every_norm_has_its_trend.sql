-- Why: without an index for a year, norms in another year's dollars would be compared with this year's costs.
select window_name
from {{ ref('int_trends') }}
where trend is null and component = 'total' and '{{ run_fact("kind") }}' = 'period'
