-- All counted cases of a cell in the base year (methodology §6): their number, means, and sorted costs.
with counted as (
    select * from {{ ref('int_counted_cases') }} where window_name = 'base_year'
)

select
    apr_drg,
    severity_of_illness,
    count(*) as cases,
    cast(sum(total_cost) as decimal(38, 2)) as total_cost,
    cast(sum(core_cost) as decimal(38, 2)) as core_cost,
    cast(sum(supply_drug_cost) as decimal(38, 2)) as supply_drug_cost,
    cast(sum(length_of_stay) as bigint) as days,
    {{ round_div('sum(total_cost)', 'count(*)', 4) }} as mean_cost,
    {{ round_div('sum(core_cost)', 'count(*)', 4) }} as mean_core_cost,
    {{ round_div('sum(supply_drug_cost)', 'count(*)', 4) }} as mean_supply_drug_cost,
    {{ round_div('sum(length_of_stay)', 'count(*)', 4) }} as mean_los,
    {{ sorted_list('total_cost') }} as sorted_costs
from counted
group by apr_drg, severity_of_illness
