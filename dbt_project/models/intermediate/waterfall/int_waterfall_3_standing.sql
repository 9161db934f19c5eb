-- Step 3: a care partner without standing receives nothing, and every reason is listed.
with conditions as (
    select * from {{ ref('int_waterfall_2_conditions') }}
),

care_partners as (
    select * from {{ ref('stg_care_partners') }}
),

activities as (
    select * from {{ ref('int_approved_activities') }}
),

excluded as (
    select npi, true as is_excluded from {{ ref('stg_excluded_individuals') }}
),

period as (
    select start_date, end_date from {{ ref('stg_windows') }} where window_name = 'performance'
),

judged as (
    select
        conditions.hospital_ccn,
        conditions.npi,
        conditions.incentive,
        coalesce(activities.approved_activities, 0) as approved_activities,
        coalesce(excluded.is_excluded, false) as is_excluded,
        {% if run_fact('kind') == 'study' -%}
        -- A study pays no one, so standing does not matter.
        {{ empty_text_list() }} as standing_reasons
        {%- else -%}
        -- A pending screening has not failed: the payment is held (int_holds), not lost.
        {{ text_list([
            "case
                when
                    care_partners.participation_start > period.start_date
                    or coalesce(care_partners.participation_end < period.end_date, false)
                    then 'NOT_LISTED_WHOLE_PERIOD'
            end",
            "case when care_partners.screening_status = 'failed' then 'SCREENING_FAILED' end",
            "case when excluded.is_excluded then 'EXCLUDED_INDIVIDUAL' end",
            "case
                when coalesce(care_partners.arrangement_signed > period.start_date, true) then 'ARRANGEMENT_SIGNED_LATE'
            end",
            "case when coalesce(activities.approved_activities, 0) = 0 then 'NO_APPROVED_ACTIVITY' end",
        ]) }} as standing_reasons
        {%- endif %}
    from conditions
    left join care_partners using (hospital_ccn, npi)
    cross join period
    left join activities using (hospital_ccn, npi)
    left join excluded using (npi)
)

select
    hospital_ccn,
    npi,
    approved_activities,
    is_excluded,
    standing_reasons,
    case when {{ list_length('standing_reasons') }} > 0 then cast(0 as decimal(18, 2)) else incentive end as incentive
from judged
