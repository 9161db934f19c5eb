-- cost(case, rate_center) = charge × cost_factor, to cents (methodology §2).
with charges as (
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
)

select
    charges.hospital_ccn,
    charges.account_no,
    charges.rate_center,
    coalesce(rate_centers.component, 'core') as component,
    charges.charge,
    {{ round_to(exact_product('charges.charge', 'coalesce(own.cost_factor, whole_hospital.cost_factor)'), 2) }} as cost
from charges
inner join rate_years using (hospital_ccn, account_no)
left join rate_centers using (rate_center)
left join factors as own
    on
        charges.hospital_ccn = own.hospital_ccn
        and charges.rate_center = own.rate_center
        and rate_years.rate_year = own.rate_year
left join factors as whole_hospital
    on
        charges.hospital_ccn = whole_hospital.hospital_ccn
        and whole_hospital.rate_center = 'ALL'
        and rate_years.rate_year = whole_hospital.rate_year
