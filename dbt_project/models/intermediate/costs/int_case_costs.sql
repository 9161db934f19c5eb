-- One row per discharge: core + supply and drug = total, in the case's own dollars. A stay without charges costs nothing.
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
