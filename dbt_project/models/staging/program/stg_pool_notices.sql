select
    hospital_ccn,
    incentive_pool,
    contested = 'Y' as is_contested
from {{ source('lake', 'pool_notices') }}
