-- Why: neither a physician's fee-schedule cap nor a hospital's distribution limit may be exceeded by a cent.
select hospital_ccn
from {{ ref('incentives') }}
where final_incentive > pfs_cap_amount
union all
select hospital_ccn
from {{ ref('distribution_limits') }}
where incentives_after_limit > distribution_limit
