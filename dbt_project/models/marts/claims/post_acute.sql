-- Post-acute spending and readmission after Medicare episodes discharged in the period, by hospital, service line and
-- responsible physician, for the region's hospitals ([P]: "prioritize a focus on post-acute services, as well as to better
-- track readmissions").
with performance as (
    select * from {{ ref('stg_windows') }} where window_name = 'performance'
),

episodes as (
    select readmissions.*
    from {{ ref('int_episode_readmissions') }} as readmissions
    inner join {{ ref('stg_hospitals') }} as hospitals using (hospital_ccn)
    cross join performance
    where readmissions.discharge_date between performance.start_date and performance.end_date
),

-- Service line and responsible physician come from the hospital's own record of the stay (methodology §4); without one,
-- the claim's attending physician is responsible.
attributed_episodes as (
    select
        episodes.*,
        case when cases.account_no is null then 'UNMATCHED' else coalesce(cases.service_line, 'UNGROUPED') end as service_line,
        coalesce(cases.npi, case when cases.account_no is null then stays.attending_npi end, 'UNKNOWN') as npi
    from episodes
    left join {{ ref('int_inpatient_stays') }} as stays
        on
            episodes.mbi = stays.mbi
            and episodes.hospital_ccn = stays.hospital_ccn
            and episodes.last_admit_date = stays.admit_date
    left join {{ ref('int_stay_discharges') }} as discharges
        on
            episodes.mbi = discharges.mbi
            and episodes.hospital_ccn = discharges.hospital_ccn
            and episodes.last_admit_date = discharges.admit_date
    left join {{ ref('int_cases') }} as cases
        on discharges.hospital_ccn = cases.hospital_ccn and discharges.account_no = cases.account_no
),

spending as (
    select
        mbi,
        episode_admit_date as admit_date,
        {%- for service in ['home_health', 'skilled_nursing', 'hospice', 'rehabilitation', 'long_term_hospital'] %}
        sum(case when service = '{{ service }}' and days_after_discharge <= 30 then payment_amount else 0 end) as {{ service }}_amount,
        {%- endfor %}
        sum(case when days_after_discharge <= 30 then payment_amount else 0 end) as post_acute_amount,
        sum(payment_amount) as post_acute_90_day_amount,
        min(from_date) as first_service_date
    from {{ ref('int_post_acute_services') }}
    group by mbi, episode_admit_date
)

select
    attributed_episodes.hospital_ccn,
    '{{ run_fact('name') }}' as period,
    attributed_episodes.service_line,
    attributed_episodes.npi,
    count(*) as episodes,
    cast(sum(attributed_episodes.payment_amount) as decimal(18, 2)) as inpatient_amount,
    count(*) filter (where attributed_episodes.is_readmitted) as readmissions,
    count(*) filter (
        where
            attributed_episodes.is_readmitted
            and (spending.first_service_date is null or spending.first_service_date > attributed_episodes.readmission_date)
    ) as readmitted_without_post_acute,
    count(*) filter (where spending.post_acute_amount > 0) as episodes_with_post_acute,
    {%- for service in ['home_health', 'skilled_nursing', 'hospice', 'rehabilitation', 'long_term_hospital'] %}
    cast(coalesce(sum(spending.{{ service }}_amount), 0) as decimal(18, 2)) as {{ service }}_amount,
    {%- endfor %}
    cast(coalesce(sum(spending.post_acute_amount), 0) as decimal(18, 2)) as post_acute_amount,
    cast(coalesce(sum(spending.post_acute_90_day_amount), 0) as decimal(18, 2)) as post_acute_90_day_amount
from attributed_episodes
left join spending using (mbi, admit_date)
group by attributed_episodes.hospital_ccn, attributed_episodes.service_line, attributed_episodes.npi
