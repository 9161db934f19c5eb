-- The policy as it holds at each hospital, its protocol's elections applied.
select
    hospital_ccn,
    mpi_floor,
    mpi_ceiling,
    improvement_share,
    physician_cap_percent
from {{ source('lake', 'elections') }}
