-- The base year's physician means behind the norms, frozen with them.
select
    base_year,
    apr_drg,
    severity_of_illness,
    physician_number,
    physician_mean_cost
from {{ source('lake', 'frozen_norm_physicians') }}
