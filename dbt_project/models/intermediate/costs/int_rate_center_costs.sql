-- cost(case, rate_center) = charge × cost_factor, to cents (methodology §2).
with discharges as (
    select * from {{ ref('stg_discharges') }}
),

charges as (
    select * from {{ ref('int_charges_by_rate_center') }}
),

rate_years as (
    select * from {{ ref('int_case_rate_years') }}
),

factors as (
    select * from {{ ref('int_cost_factors') }}
),

rate_centers as (
    select * from {{ ref('stg_rate_centers') }}
),

amounts as (
    {% if policy('cost_method') == 'reported' -%}
    -- The source reports one cost per case and no rate centers: all of it is core.
    select hospital_ccn, account_no, 'ALL' as rate_center, reported_cost as amount from discharges
    {%- else -%}
    select hospital_ccn, account_no, rate_center, charge as amount from charges
    {%- endif %}
)

select
    amounts.hospital_ccn,
    amounts.account_no,
    amounts.rate_center,
    coalesce(rate_centers.component, 'core') as component,
    {{ round_to(exact_product('amounts.amount', 'coalesce(own.cost_factor, whole_hospital.cost_factor)'), 2) }} as cost
from amounts
inner join rate_years using (hospital_ccn, account_no)
left join rate_centers using (rate_center)
left join factors as own
    on
        amounts.hospital_ccn = own.hospital_ccn
        and amounts.rate_center = own.rate_center
        and rate_years.rate_year = own.rate_year
left join factors as whole_hospital
    on
        amounts.hospital_ccn = whole_hospital.hospital_ccn
        and whole_hospital.rate_center = 'ALL'
        and rate_years.rate_year = whole_hospital.rate_year
