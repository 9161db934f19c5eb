select
    cur_clm_uniq_id as claim_id,
    clm_prod_type_cd as product_type_code,
    clm_val_sqnc_num as sequence_no,
    clm_dgns_cd as diagnosis_code,
    clm_poa_ind as present_on_admission_code,
    source_archive,
    source_row,
    file_date
from {{ source('lake', 'cclf4') }}
