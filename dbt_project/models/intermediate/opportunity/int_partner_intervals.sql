-- How far chance may have moved a care partner's averages: the 95% interval of a ratio of sums. Each case differs from
-- the cost that its weight predicts by e = cost − adjusted cost × weight; the squared error is n ÷ (n − 1) · Σe² ÷ (Σ weight)².
-- No payment depends on an interval: its square root is the only floating-point step, rounded at once.
with cases as (
    select * from {{ ref('int_compared_cases') }} where window_name = 'performance' and is_care_partner
),

totals as (
    select * from {{ ref('int_partner_totals') }}
),

residuals as (
    select
        totals.hospital_ccn,
        totals.npi,
        totals.stream,
        cast(cases.total_cost - {{ exact_product('totals.adjusted_cost', 'cases.cost_weight', 4) }} as decimal(18, 2))
            as cost_residual,
        cast(cases.length_of_stay - {{ exact_product('totals.adjusted_los', 'cases.los_weight', 4) }} as decimal(18, 4))
            as los_residual
    from totals
    inner join cases
        on
            totals.hospital_ccn = cases.hospital_ccn
            and totals.npi = cases.npi
            and totals.stream in ('all', cases.stream)
),

squares as (
    select
        hospital_ccn,
        npi,
        stream,
        sum({{ exact_product('cost_residual', 'cost_residual') }}) as cost_squares,
        sum({{ exact_product('los_residual', 'los_residual', 4) }}) as los_squares
    from residuals
    group by hospital_ccn, npi, stream
)

select
    totals.hospital_ccn,
    totals.npi,
    totals.stream,
    {{ interval_half_width('squares.cost_squares', 'totals.cases', 'totals.cost_weight') }} as cost_half_width,
    {{ interval_half_width('squares.los_squares', 'totals.cases', 'totals.los_weight') }} as los_half_width
from totals
inner join squares using (hospital_ccn, npi, stream)
where totals.cases >= 2
