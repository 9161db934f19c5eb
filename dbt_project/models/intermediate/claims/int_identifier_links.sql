-- One row per change of identifier: files repeat earlier changes, and a number that maps to itself is no change.
select
    previous_mbi,
    current_mbi,
    max(file_date) as newest_file_date
from {{ ref('stg_identifier_links') }}
where previous_mbi <> current_mbi
group by previous_mbi, current_mbi
