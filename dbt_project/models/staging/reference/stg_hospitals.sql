select
    ccn as hospital_ccn,
    name as hospital_name,
    acute = 'Y' as is_acute,
    county as county_name,
    system as system_name
from {{ source('lake', 'hospitals') }}
