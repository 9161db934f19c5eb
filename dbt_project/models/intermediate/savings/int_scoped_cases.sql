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
    scopes.scope,
    normed.window_name,
    normed.hospital_ccn,
    normed.core_cost,
    normed.supply_drug_cost,
    normed.total_cost,
    normed.best_practice_norm,
    normed.core_weight,
    normed.supply_drug_weight
from normed
cross join (values ('all'), ('participating')) as scopes (scope)
where scopes.scope = 'all' or normed.is_care_partner
