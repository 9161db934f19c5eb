-- The statewide mean of a cell from its norm, in the performance year's dollars, by the policy's method.
with norms as (
    select * from {{ ref('int_norm_table') }} where norm_method = '{{ policy("norm_method") }}'
),

trends as (
    select trend from {{ ref('int_trends') }} where window_name = 'base_year' and component = 'total'
)

select
    norms.apr_drg,
    norms.severity_of_illness,
    {{ round_to(exact_product('norms.mean_cost', 'trends.trend', 4), 4) }} as mean_cost,
    norms.mean_los
from norms
cross join trends
