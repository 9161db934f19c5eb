-- Where patients were discharged to and how many returned: by hospital and statewide, from the hospitals' own records (all
-- payers) and from claims (Medicare, with post-acute care in between).
with destinations as (
    select
        'all_payer' as source,
        hospital_ccn,
        discharge_disposition as disposition,
        is_readmitted,
        days_to_return,
        cast(null as boolean) as is_without_post_acute
    from {{ ref('int_index_discharges') }}
    where window_name = 'performance'
    union all
    select
        'medicare' as source,
        hospital_ccn,
        coalesce(patient_status_code, '01') as disposition,
        is_readmitted,
        days_to_return,
        is_without_post_acute
    from {{ ref('int_medicare_returns') }}
    where window_name = 'performance'
),

owners as (
    select hospital_ccn from {{ ref('int_quality_groups') }} where group_kind = 'hospital' and hospital_ccn <> 'NONE'
),

with_destination as (
    select
        destinations.*,
        {{ destination('disposition') }} as destination
    from destinations
    inner join owners using (hospital_ccn)
)

{% for owner, place in [('hospital_ccn', "'ALL'"), ("'STATE'", 'destination'), ("'STATE'", "'ALL'")] -%}
select
    source,
    {{ owner }} as hospital_ccn,
    {{ place }} as destination,
    '{{ run_fact("name") }}' as period,
    count(*) as discharges,
    count(*) filter (where is_readmitted) as readmissions,
    {{ round_div('count(*) filter (where is_readmitted)', 'count(*)', 8) }} as readmission_share,
    count(*) filter (where is_readmitted and days_to_return <= 7) as within_7_days,
    {{ round_div('sum(days_to_return) filter (where is_readmitted)', 'count(*) filter (where is_readmitted)', 4) }}
        as mean_days_to_return,
    case source when 'medicare' then count(*) filter (where is_without_post_acute) end as without_post_acute
from with_destination
group by {{ (['source'] + [owner, place] | reject('in', ["'STATE'", "'ALL'"]) | list) | join(', ') }}
{{ 'union all' if not loop.last }}
{% endfor -%}
