select
    year as calendar_year,
    severity as severity_of_illness,
    amount as per_diem
from {{ source('lake', 'per_diem') }}
