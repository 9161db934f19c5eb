-- One row per care partner whose payment is held because of the NPI's record in NPPES. A similar name on an exclusion list
-- does not hold a payment.
select
    hospital_ccn,
    npi,
    max(case when reason = 'NPI_NOT_AN_INDIVIDUAL' then 1 else 0 end) = 1 as has_organization_npi,
    max(case when reason = 'NPI_DEACTIVATED' then 1 else 0 end) = 1 as has_deactivated_npi
from {{ source('lake', 'screening') }}
where effect = 'hold'
group by hospital_ccn, npi
