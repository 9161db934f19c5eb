-- Reasons for which the payments of a hospital or of one care partner are held: the amount is final, but not payable yet.
with capped as (
    select * from {{ ref('int_waterfall_5_pfs_cap') }}
),

protocols as (
    select * from {{ ref('stg_protocols') }}
),

programs as (
    select * from {{ ref('stg_programs') }}
),

care_partners as (
    select * from {{ ref('stg_care_partners') }}
),

screening as (
    select * from {{ ref('stg_screening') }}
),

limits as (
    select hospital_ccn, is_contested from {{ ref('int_distribution_limits') }}
),

year_caps as (
    select hospital_ccn, npi, is_paid_later from {{ ref('int_year_caps') }}
),

held as (
    select
        capped.hospital_ccn,
        capped.npi,
        {% if run_fact('kind') == 'study' -%}
        {{ text_list(["'STUDY'"]) }} as hold_reasons
        {%- else -%}
        {{ text_list([
            "case
                when protocols.hospital_ccn is null or protocols.approved_on is null or programs.program_year is null
                    then 'NO_PROTOCOL'
                when not protocols.has_locked_conditions then 'CONDITIONS_NOT_LOCKED'
            end",
            "case when programs.is_first_period_changed then 'FIRST_PERIOD_CHANGED' end",
            "case
                when coalesce(care_partners.screening_status, 'pending') not in ('cleared', 'failed')
                    then 'SCREENING_NOT_CLEARED'
            end",
            "case when screening.has_organization_npi then 'NPI_NOT_AN_INDIVIDUAL' end",
            "case when screening.has_deactivated_npi then 'NPI_DEACTIVATED' end",
            "case when capped.pfs_approved_amount is null then 'HELD_NO_PFS_CAP' end",
            "case when limits.is_contested then 'POOL_CONTESTED' end",
        ]) }} as hold_reasons
        {%- endif %}
    from capped
    left join protocols using (hospital_ccn)
    left join programs using (hospital_ccn)
    left join care_partners using (hospital_ccn, npi)
    left join screening using (hospital_ccn, npi)
    left join limits using (hospital_ccn)
)

-- An amount held for another reason is not payable anyway: the year's cap is checked once that hold is resolved.
select
    held.hospital_ccn,
    held.npi,
    case
        when year_caps.is_paid_later and {{ list_length('held.hold_reasons') }} = 0
            then {{ text_list(["'LATER_PERIOD_PAID'"]) }}
        else held.hold_reasons
    end as hold_reasons
from held
left join year_caps using (hospital_ccn, npi)
