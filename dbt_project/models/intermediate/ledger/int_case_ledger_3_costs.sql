-- Stage 3 of the conservation ledger: costs of each window's discharges, compared with the cases judged.
with case_windows as (
    select * from {{ ref('int_case_windows') }}
),

case_costs as (
    select * from {{ ref('int_case_costs') }}
),

charged as (
    select case_windows.window_name, hospital_ccn, count(*) as cases, sum(case_costs.total_cost) as amount
    from case_windows
    left join case_costs using (hospital_ccn, account_no)
    group by case_windows.window_name, hospital_ccn
),

judged as (
    select window_name, hospital_ccn, count(*) as cases, sum(core_cost) + sum(supply_drug_cost) as amount
    from {{ ref('int_windowed_cases') }}
    group by window_name, hospital_ccn
)

select
    '3 costs' as stage,
    charged.window_name,
    charged.hospital_ccn,
    charged.cases as cases_in,
    coalesce(judged.cases, 0) as cases_kept,
    0 as cases_excluded,
    charged.amount as amount_in,
    coalesce(judged.amount, 0) as amount_kept,
    0 as amount_excluded
from charged
left join judged using (window_name, hospital_ccn)
