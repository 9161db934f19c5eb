-- The base year's quality cells, frozen with its norm table.
select
    base_year,
    apr_drg,
    severity_of_illness,
    discharges,
    days,
    short_stays,
    deaths,
    sent_on,
    index_discharges,
    readmissions
from {{ source('lake', 'frozen_quality_cells') }}
