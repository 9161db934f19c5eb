-- A care partner's cases of the period and the norm for the same case mix, by stream and in total.
with cases as (
    select * from {{ ref('int_compared_cases') }} where window_name = 'performance' and is_care_partner
),

means as (
    select * from {{ ref('int_norm_means') }}
)

select
    cases.hospital_ccn,
    cases.npi,
    case when grouping(cases.stream) = 1 then 'all' else cases.stream end as stream,
    count(*) as cases,
    cast(sum(cases.total_cost) as decimal(18, 2)) as cost,
    cast(sum(cases.length_of_stay) as bigint) as days,
    cast(sum(cases.cost_weight) as decimal(18, 8)) as cost_weight,
    cast(sum(cases.los_weight) as decimal(18, 8)) as los_weight,
    {{ round_div('sum(cases.total_cost)', 'sum(cases.cost_weight)', 4) }} as adjusted_cost,
    {{ round_div('sum(cases.length_of_stay)', 'sum(cases.los_weight)', 4) }} as adjusted_los,
    {{ round_div('sum(cases.best_practice_norm)', 'sum(cases.cost_weight)', 4) }} as best_practice_adjusted_cost,
    {{ round_div('sum(cases.p75_cost)', 'sum(cases.cost_weight)', 4) }} as p75_adjusted_cost,
    {{ round_div('sum(means.mean_cost)', 'sum(cases.cost_weight)', 4) }} as norm_adjusted_cost,
    {{ round_div('sum(means.mean_los)', 'sum(cases.los_weight)', 4) }} as norm_adjusted_los
from cases
inner join means using (apr_drg, severity_of_illness)
group by grouping sets ((cases.hospital_ccn, cases.npi), (cases.hospital_ccn, cases.npi, cases.stream))
