with savings as (
    select * from {{ ref('int_internal_savings') }}
),

earlier as (
    select
        earlier_savings.hospital_ccn,
        earlier_savings.scope,
        cast(sum(earlier_savings.internal_savings) as decimal(18, 2)) as amount
    from {{ ref('stg_earlier_savings') }} as earlier_savings
    inner join {{ ref('stg_programs') }} as programs using (hospital_ccn)
    where earlier_savings.period >= programs.first_performance_period
    group by earlier_savings.hospital_ccn, earlier_savings.scope
)

select
    savings.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    savings.scope,
    savings.cases,
    savings.actual_cost,
    savings.best_practice_cost,
    savings.potential_savings,
    savings.core_cost,
    savings.supply_drug_cost,
    savings.baseline_cases,
    savings.baseline_core_cost,
    savings.baseline_supply_drug_cost,
    savings.baseline_core_weight,
    savings.baseline_supply_drug_weight,
    savings.baseline_adjusted_core_cost,
    savings.baseline_adjusted_supply_drug_cost,
    savings.core_trend,
    savings.supply_drug_trend,
    savings.adjusted_core_cost,
    savings.adjusted_supply_drug_cost,
    savings.core_weight,
    savings.supply_drug_weight,
    savings.internal_savings_core,
    savings.internal_savings_supply_drug,
    savings.internal_savings,
    cast(savings.internal_savings + coalesce(earlier.amount, 0) as decimal(18, 2)) as internal_savings_to_date
from savings
left join earlier using (hospital_ccn, scope)
