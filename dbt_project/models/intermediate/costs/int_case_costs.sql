-- One row a discharge: core + supply and drug = total, in the case's own dollars.
{% if policy('cost_method') == 'reported' -%}
-- The source reports the whole cost and no rate centers: all of it is core.
with discharges as (
    select * from {{ ref('stg_discharges') }}
),

rate_years as (
    select * from {{ ref('int_case_rate_years') }}
),

factors as (
    select * from {{ ref('int_cost_factors') }} where rate_center = 'ALL'
),

costs as (
    select
        discharges.hospital_ccn,
        discharges.account_no,
        {{ round_to(exact_product('discharges.reported_cost', 'factors.cost_factor'), 2) }} as cost
    from discharges
    inner join rate_years using (hospital_ccn, account_no)
    left join factors using (hospital_ccn, rate_year)
)

select
    hospital_ccn,
    account_no,
    cost as core_cost,
    cast(0 as decimal(18, 2)) as supply_drug_cost,
    cost as total_cost
from costs
{%- else -%}
with discharges as (
    select * from {{ ref('stg_discharges') }}
),

costs as (
    select
        hospital_ccn,
        account_no,
        cast(sum(cost) filter (where component = 'core') as decimal(18, 2)) as core_cost,
        cast(sum(cost) filter (where component = 'supply_drug') as decimal(18, 2)) as supply_drug_cost
    from {{ ref('int_rate_center_costs') }}
    group by hospital_ccn, account_no
)

select
    discharges.hospital_ccn,
    discharges.account_no,
    coalesce(costs.core_cost, 0) as core_cost,
    coalesce(costs.supply_drug_cost, 0) as supply_drug_cost,
    cast(coalesce(costs.core_cost, 0) + coalesce(costs.supply_drug_cost, 0) as decimal(18, 2)) as total_cost
from discharges
left join costs using (hospital_ccn, account_no)
{%- endif %}
