-- Previous and current identifier (CCLF9); rows marked H cross-reference older numbers, not MBIs.
select
    prvs_num as previous_mbi,
    crnt_num as current_mbi,
    prvs_id_obslt_dt as obsolete_date,
    file_date
from {{ source('lake', 'cclf9') }}
where hicn_mbi_xref_ind = 'M'
