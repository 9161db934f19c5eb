select
    npi,
    is_organization,
    deactivated_on,
    reactivated_on
from {{ source('lake', 'irregular_npis') }}
