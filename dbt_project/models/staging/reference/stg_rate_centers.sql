select
    rate_center,
    name as rate_center_name,
    {{ quoted('group') }} as rate_center_group,
    component
from {{ source('lake', 'rate_centers') }}
