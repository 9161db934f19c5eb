-- Counted cases in cells with a norm, in both scopes of the savings (methodology §10): all physicians, care partners only.
with counted as (
    select * from {{ ref('int_counted_cases') }} where window_name in ('performance', 'baseline')
),

norms as (
    select * from {{ ref('int_norms_in_force') }}
),

care_partners as (
    select hospital_ccn, npi, true as is_care_partner from {{ ref('int_care_partners') }}
),

normed as (
    select
        counted.window_name,
        counted.hospital_ccn,
        counted.core_cost,
        counted.supply_drug_cost,
        counted.total_cost,
        norms.best_practice_norm,
        norms.core_weight,
        norms.supply_drug_weight,
        coalesce(care_partners.is_care_partner, false) as is_care_partner
    from counted
    inner join norms using (apr_drg, severity_of_illness)
    left join care_partners using (hospital_ccn, npi)
)

select
    'all' as scope,
    window_name,
    hospital_ccn,
    core_cost,
    supply_drug_cost,
    total_cost,
    best_practice_norm,
    core_weight,
    supply_drug_weight
from normed
union all
select
    'participating' as scope,
    window_name,
    hospital_ccn,
    core_cost,
    supply_drug_cost,
    total_cost,
    best_practice_norm,
    core_weight,
    supply_drug_weight
from normed
where is_care_partner
