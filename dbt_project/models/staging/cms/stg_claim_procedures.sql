select
    cur_clm_uniq_id as claim_id,
    clm_val_sqnc_num as sequence_no,
    clm_prcdr_cd as procedure_code,
    clm_prcdr_prfrm_dt as procedure_date,
    source_archive,
    source_row,
    file_date
from {{ source('lake', 'cclf3') }}
