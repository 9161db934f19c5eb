-- The windows of this build (methodology §1): performance, baseline, base_year; in a study, performance and base_year.
select
    window_name,
    start_date,
    end_date,
    calendar_year
from {{ source('lake', 'windows') }}
