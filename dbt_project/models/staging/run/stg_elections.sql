-- The policy's values at each hospital, after its protocol's elections.
select
    hospital_ccn,
    mpi_floor,
    mpi_ceiling,
    improvement_share,
    physician_cap_percent
from {{ source('lake', 'elections') }}
