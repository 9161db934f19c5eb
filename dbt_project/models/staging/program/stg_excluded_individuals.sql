select npi
from {{ source('lake', 'excluded_in_period') }}
