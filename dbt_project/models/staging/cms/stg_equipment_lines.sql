-- Durable medical equipment lines (CCLF6). If two generations of the record name a field differently, the newer name comes
-- first.
select
    cur_clm_uniq_id as claim_id,
    clm_line_num as line_no,
    bene_mbi_id as mbi,
    clm_type_cd as claim_type_code,
    clm_cntl_num as claim_control_no,
    clm_adjsmt_type_cd as adjustment_type_code,
    clm_line_from_dt as service_date,
    coalesce(clm_blg_prvdr_npi_num, payto_prvdr_npi_num) as npi,
    clm_line_hcpcs_cd as hcpcs_code,
    clm_line_cvrd_pd_amt as paid_amount,
    clm_line_alowd_chrg_amt as allowed_amount,
    clm_carr_pmt_dnl_cd as carrier_denial_code,
    clm_prcsg_ind_cd as processing_indicator_code,
    source_archive,
    source_file,
    source_row,
    file_date,
    delivery_month,
    is_run_out
from {{ source('lake', 'cclf6') }}
