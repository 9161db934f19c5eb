-- What improvement may earn (methodology §8), per hospital, care partner and stream over the performance period's cases:
-- Σ mpi_improvement, the surgical spread, and the professional fees forgone per day (Σ per_diem).
with cases as (
    select * from {{ ref('int_performance_incentives') }}
),

per_diems as (
    select * from {{ ref('stg_per_diems') }} where calendar_year = {{ run_fact('year') }}
)

select
    cases.hospital_ccn,
    cases.npi,
    cases.stream,
    cast(sum(cases.mpi_improvement) as decimal(18, 2)) as mpi_improvement,
    cast(sum(cases.improvement_ceiling_cost - cases.best_practice_norm) as decimal(18, 2)) as spread_cost,
    {{ round_div('sum(cases.improvement_ceiling_cost - cases.best_practice_norm)', 'sum(cases.cost_weight)', 4) }} as spread,
    cast(sum(per_diems.per_diem) filter (where cases.stream = 'medical') as decimal(18, 2)) as per_diem,
    count(*) filter (where cases.stream = 'medical' and per_diems.per_diem is null) as cases_without_per_diem
from cases
left join per_diems using (severity_of_illness)
group by cases.hospital_ccn, cases.npi, cases.stream
