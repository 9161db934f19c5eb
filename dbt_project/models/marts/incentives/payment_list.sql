-- Who receives each payable amount: one row per care partner with a payable incentive.
with partners as (
    select hospital_ccn, npi, tin from {{ ref('stg_care_partners') }}
)

select
    incentives.hospital_ccn,
    incentives.period,
    incentives.npi,
    incentives.name,
    partners.tin,
    incentives.final_incentive as payable_amount
from {{ ref('incentives') }} as incentives
left join partners using (hospital_ccn, npi)
where incentives.status = 'PAYABLE'
