-- Checked once per identifier rather than per stay: a state has thousands of physicians and millions of stays.
with discharges as (
    select * from {{ ref('stg_discharges') }}
),

identifiers as (
    select identifier_type, attending_npi as npi from discharges
    union
    select identifier_type, operating_npi as npi from discharges
)

select
    identifier_type,
    npi
from identifiers
where
    npi is not null
    -- License numbers have no check digit.
    and (identifier_type = 'LICENSE' or {{ is_valid_npi('npi') }})
