-- Step 6: if a hospital's incentives together exceed its limit, they are scaled down pro rata, to cents by largest
-- remainder, ties by NPI ascending.
with capped as (
    select * from {{ ref('int_waterfall_5_pfs_cap') }}
),

limits as (
    select * from {{ ref('int_distribution_limits') }}
),

shares as (
    select
        capped.hospital_ccn,
        capped.npi,
        capped.incentive,
        coalesce(limits.incentives_before_limit > limits.distribution_limit, false) as is_limited,
        {{ exact_integer('capped.incentive', 2) }} * {{ exact_integer('limits.distribution_limit', 2) }} as numerator,
        {{ exact_integer('limits.incentives_before_limit', 2) }} as denominator,
        {{ exact_integer('limits.distribution_limit', 2) }} as limit_cents
    from capped
    left join limits using (hospital_ccn)
),

floors as (
    select
        hospital_ccn,
        npi,
        incentive,
        is_limited,
        limit_cents,
        case when is_limited then {{ whole_quotient('numerator', 'denominator') }} end as cents,
        case when is_limited then numerator % denominator end as remainder
    from shares
),

ranked as (
    select
        hospital_ccn,
        npi,
        incentive,
        is_limited,
        cents,
        limit_cents - sum(cents) over (partition by hospital_ccn) as cents_left,
        row_number() over (partition by hospital_ccn order by remainder desc nulls last, npi) as place
    from floors
)

select
    hospital_ccn,
    npi,
    is_limited,
    case
        when is_limited then {{ exact_decimal('cents + cast(place <= cents_left as integer)', 2) }}
        else incentive
    end as incentive
from ranked
