-- Adjusted cost of each component with its own weights (methodology §10), per hospital, scope and window.
select
    scope,
    window_name,
    hospital_ccn,
    count(*) as cases,
    cast(sum(total_cost) as decimal(18, 2)) as actual_cost,
    cast(sum(best_practice_norm) as decimal(18, 2)) as best_practice_cost,
    cast(sum(core_cost) as decimal(18, 2)) as core_cost,
    cast(sum(supply_drug_cost) as decimal(18, 2)) as supply_drug_cost,
    cast(sum(core_weight) as decimal(18, 8)) as core_weight,
    cast(sum(supply_drug_weight) as decimal(18, 8)) as supply_drug_weight,
    {{ round_div('sum(core_cost)', 'sum(core_weight)', 4) }} as adjusted_core_cost,
    {{ round_div('sum(supply_drug_cost)', 'sum(supply_drug_weight)', 4) }} as adjusted_supply_drug_cost
from {{ ref('int_scoped_cases') }}
group by scope, window_name, hospital_ccn
