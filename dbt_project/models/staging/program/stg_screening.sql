-- One row per care partner whose payment waits for the NPI's record in NPPES. A like name on a list holds nothing.
select
    hospital_ccn,
    npi,
    max(case when reason = 'NPI_NOT_AN_INDIVIDUAL' then 1 else 0 end) = 1 as has_organization_npi,
    max(case when reason = 'NPI_DEACTIVATED' then 1 else 0 end) = 1 as has_deactivated_npi
from {{ source('lake', 'screening') }}
where effect = 'hold'
group by hospital_ccn, npi
