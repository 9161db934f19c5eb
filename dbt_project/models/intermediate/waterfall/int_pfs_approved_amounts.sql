-- The year's Medicare approved amounts, from which the cap is computed: an official notice overrides the estimate from
-- claims.
with care_partners as (
    select * from {{ ref('int_care_partners') }}
),

notices as (
    select * from {{ ref('stg_pfs_cap_notices') }} where calendar_year = {{ pfs_cap_year() }}
),

estimates as (
    select * from {{ ref('int_pfs_approved_by_claims') }} where calendar_year = {{ pfs_cap_year() }}
)

select
    care_partners.hospital_ccn,
    care_partners.npi,
    case
        when notices.approved_amount is not null then 'NOTICE'
        when estimates.pfs_approved_amount is not null then 'CLAIMS'
    end as pfs_source,
    coalesce(notices.approved_amount, estimates.pfs_approved_amount) as pfs_approved_amount,
    case when notices.approved_amount is null then estimates.pfs_amount_in_doubt end as pfs_amount_in_doubt
from care_partners
left join notices using (hospital_ccn, npi)
left join estimates using (hospital_ccn, npi)
