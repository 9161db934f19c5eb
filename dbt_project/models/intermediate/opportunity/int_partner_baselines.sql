-- A care partner's own baseline, in the performance year's dollars, by stream and in total.
with trends as (
    select trend from {{ ref('int_trends') }} where window_name = 'baseline' and component = 'total'
),

summed as (
    select
        hospital_ccn,
        npi,
        case when grouping(stream) = 1 then 'all' else stream end as stream,
        count(*) as cases,
        {{ round_div('sum(total_cost)', 'sum(cost_weight)', 4) }} as adjusted_cost,
        {{ round_div('sum(length_of_stay)', 'sum(los_weight)', 4) }} as adjusted_los
    from {{ ref('int_compared_cases') }}
    where window_name = 'baseline' and is_care_partner
    group by grouping sets ((hospital_ccn, npi), (hospital_ccn, npi, stream))
)

select
    summed.hospital_ccn,
    summed.npi,
    summed.stream,
    summed.cases,
    {{ round_to(exact_product('summed.adjusted_cost', 'trends.trend', 4), 4) }} as adjusted_cost,
    summed.adjusted_los
from summed
cross join trends
