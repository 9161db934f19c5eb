select
    grouper_version,
    apr_drg,
    label as apr_drg_label,
    mdc,
    case type when 'P' then 'surgical' when 'M' then 'medical' end as stream,
    service_line
from {{ source('lake', 'apr_drg') }}
