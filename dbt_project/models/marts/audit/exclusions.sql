-- Cases and cost by hospital, window and first exclusion reason; NO_NORM counts but earns nothing. The base year's are
-- stored with its frozen norm table.
with windowed as (
    select * from {{ ref('int_windowed_cases') }}
),

norms as (
    select apr_drg, severity_of_illness, true as has_norm from {{ ref('int_norms_in_force') }}
),

judged as (
    select
        windowed.window_name,
        windowed.hospital_ccn,
        case when windowed.is_counted and norms.has_norm is null then 'NO_NORM' else windowed.exclusion_reason end
            as exclusion_reason,
        windowed.total_cost
    from windowed
    left join norms using (apr_drg, severity_of_illness)
)

select
    '{{ run_fact("name") }}' as period,
    window_name,
    hospital_ccn,
    exclusion_reason,
    count(*) as cases,
    cast(coalesce(sum(total_cost), 0) as decimal(18, 2)) as cost
from judged
where exclusion_reason is not null
group by window_name, hospital_ccn, exclusion_reason
union all
select
    '{{ run_fact("name") }}' as period,
    window_name,
    hospital_ccn,
    exclusion_reason,
    cases,
    cost
from {{ ref('stg_frozen_exclusions') }}
