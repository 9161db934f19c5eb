-- The norms by the policy's method, in the performance year's dollars; weights are unchanged (methodology §6). A norm
-- without P75 is left out, because nothing can be paid from it.
with norms as (
    select * from {{ ref('int_norm_table') }} where norm_method = '{{ policy("norm_method") }}' and p75_cost is not null
),

trends as (
    select trend from {{ ref('int_trends') }} where window_name = 'base_year' and component = 'total'
)

select
    norms.apr_drg,
    norms.severity_of_illness,
    {{ round_to(exact_product('norms.best_practice_norm', 'trends.trend'), 2) }} as best_practice_norm,
    {{ round_to(exact_product('norms.p75_cost', 'trends.trend'), 2) }} as p75_cost,
    {{ round_to(exact_product('norms.improvement_ceiling_cost', 'trends.trend'), 2) }} as improvement_ceiling_cost,
    {{ round_to(exact_product('norms.maximum_physician_incentive', 'trends.trend'), 2) }} as maximum_physician_incentive,
    norms.cost_weight,
    norms.los_weight,
    norms.core_weight,
    norms.supply_drug_weight
from norms
cross join trends
