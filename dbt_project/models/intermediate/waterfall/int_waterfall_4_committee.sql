-- Step 4: the oversight committee's reduction, never more than the incentive.
with standing as (
    select * from {{ ref('int_waterfall_3_standing') }}
),

adjustments as (
    select * from {{ ref('stg_committee_adjustments') }}
)

select
    standing.hospital_ccn,
    standing.npi,
    coalesce(adjustments.adjustment_amount, 0) as adjustment_amount,
    cast(greatest(standing.incentive + least(coalesce(adjustments.adjustment_amount, 0), 0), 0) as decimal(18, 2))
        as incentive
from standing
left join adjustments using (hospital_ccn, npi)
