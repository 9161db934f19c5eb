select
    calendar_year,
    component,
    index_value
from {{ source('lake', 'cost_index') }}
