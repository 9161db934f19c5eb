select
    revenue_code_from,
    revenue_code_to,
    rate_center
from {{ source('lake', 'revenue_codes') }}
