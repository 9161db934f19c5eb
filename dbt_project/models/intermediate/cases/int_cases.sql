-- One row per discharge of any window, with its responsible physician (methodology §4) and its cost (§2).
with discharges as (
    select * from {{ ref('stg_discharges') }}
),

windowed_cases as (
    select hospital_ccn, account_no from {{ ref('int_case_windows') }} group by hospital_ccn, account_no
),

apr_drgs as (
    select * from {{ ref('stg_apr_drgs') }}
),

hospitals as (
    select * from {{ ref('stg_hospitals') }}
),

valid_physicians as (
    select * from {{ ref('int_valid_physicians') }}
),

costs as (
    select * from {{ ref('int_case_costs') }}
)

select
    discharges.hospital_ccn,
    discharges.account_no,
    discharges.discharge_date,
    discharges.discharge_disposition,
    discharges.length_of_stay,
    discharges.grouper_version,
    discharges.apr_drg,
    discharges.severity_of_illness,
    discharges.total_charges,
    apr_drgs.mdc,
    apr_drgs.stream,
    apr_drgs.service_line,
    coalesce(hospitals.is_acute, false) as is_acute,
    -- Medical: the attending physician. Surgical: the operating one, or, if the policy allows it, the attending one.
    case apr_drgs.stream
        when 'medical' then attending.npi
        when 'surgical' then
            {% if policy('surgical_fallback') == 'attending' %}coalesce(operating.npi, attending.npi)
            {% else %}operating.npi{% endif %}
    end as npi,
    costs.core_cost,
    costs.supply_drug_cost,
    costs.total_cost
from discharges
inner join windowed_cases using (hospital_ccn, account_no)
left join apr_drgs using (grouper_version, apr_drg)
left join hospitals using (hospital_ccn)
left join costs using (hospital_ccn, account_no)
left join valid_physicians as attending
    on discharges.attending_npi = attending.npi and discharges.identifier_type = attending.identifier_type
left join valid_physicians as operating
    on discharges.operating_npi = operating.npi and discharges.identifier_type = operating.identifier_type
