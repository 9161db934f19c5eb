select
    hospital_ccn,
    rate_center,
    rate_year,
    markup,
    cost_to_charge,
    labor_market,
    ime,
    dsh
from {{ source('lake', 'cost_factors') }}
