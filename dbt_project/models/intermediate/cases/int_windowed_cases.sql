-- One row per case and window, with every exclusion reason that applies there; a counted case has none.
with case_windows as (
    select * from {{ ref('int_case_windows') }}
),

cases as (
    select * from {{ ref('int_cases') }}
),

excluded as (
    select * from {{ ref('int_rule_exclusions') }}
),

outliers as (
    select *, true as is_outlier from {{ ref('int_cost_outliers') }}
),

judged as (
    select
        case_windows.window_name,
        case_windows.hospital_ccn,
        case_windows.account_no,
        case
            when outliers.is_outlier then {{ text_list(["'COST_OUTLIER'"]) }}
            else coalesce(excluded.exclusion_reasons, {{ empty_text_list() }})
        end as exclusion_reasons
    from case_windows
    left join excluded using (hospital_ccn, account_no)
    left join outliers using (window_name, hospital_ccn, account_no)
)

select
    judged.window_name,
    judged.hospital_ccn,
    judged.account_no,
    cases.npi,
    cases.stream,
    cases.service_line,
    cases.apr_drg,
    cases.severity_of_illness,
    cases.length_of_stay,
    cases.core_cost,
    cases.supply_drug_cost,
    cases.total_cost,
    {{ list_length('judged.exclusion_reasons') }} = 0 as is_counted,
    {{ list_item('judged.exclusion_reasons', 1) }} as exclusion_reason,
    judged.exclusion_reasons
from judged
inner join cases using (hospital_ccn, account_no)
