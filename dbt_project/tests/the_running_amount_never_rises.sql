-- Why: paid may never exceed calculated, and every dollar between the two is one step's reduction (methodology §9).
select
    hospital_ccn,
    npi
from {{ ref('incentives') }}
where
    greatest(
        conditions_adjustment, standing_adjustment, committee_adjustment, pfs_cap_adjustment,
        distribution_limit_adjustment
    ) > 0
    or final_incentive < 0
    or calculated_incentive <> performance_incentive + improvement_incentive_medical + improvement_incentive_surgical
    or final_incentive <> calculated_incentive + conditions_adjustment + standing_adjustment + committee_adjustment
    + pfs_cap_adjustment + distribution_limit_adjustment
