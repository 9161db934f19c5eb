select
    cur_clm_uniq_id as claim_id,
    clm_line_num as line_no,
    clm_line_prod_rev_ctr_cd as revenue_code,
    clm_line_hcpcs_cd as hcpcs_code,
    clm_line_from_dt as service_date,
    clm_line_srvc_unit_qty as units,
    clm_line_cvrd_pd_amt as paid_amount,
    source_archive,
    source_row,
    file_date
from {{ source('lake', 'cclf2') }}
