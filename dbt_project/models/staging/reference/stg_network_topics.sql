select
    topic,
    measure,
    area
from {{ source('lake', 'network_topics') }}
