-- Each revenue code that was charged, with its rate center: the narrowest range wins; a code in no range is UNMAPPED.
with codes as (
    select revenue_code from {{ ref('stg_charge_lines') }} group by revenue_code
),

ranges as (
    select * from {{ ref('stg_revenue_code_ranges') }}
)

select
    codes.revenue_code,
    coalesce(ranges.rate_center, 'UNMAPPED') as rate_center
from codes
left join ranges on codes.revenue_code between ranges.revenue_code_from and ranges.revenue_code_to
qualify
    row_number() over (
        partition by codes.revenue_code
        order by
            cast(ranges.revenue_code_to as integer) - cast(ranges.revenue_code_from as integer),
            ranges.revenue_code_from
    ) = 1
