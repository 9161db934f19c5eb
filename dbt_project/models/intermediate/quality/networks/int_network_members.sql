-- Hospitals that work with a network on a topic in the period, on at least one of its days.
with performance as (
    select * from {{ ref('stg_windows') }} where window_name = 'performance'
)

select networks.*
from {{ ref('stg_networks') }} as networks
cross join performance
where
    networks.start_date <= performance.end_date
    and coalesce(networks.end_date, performance.end_date) >= performance.start_date
