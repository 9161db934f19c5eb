-- Part A claim headers (CCLF1). Where two generations of the record name a field twice, the newer name comes first.
select
    cur_clm_uniq_id as claim_id,
    bene_mbi_id as mbi,
    clm_type_cd as claim_type_code,
    coalesce(clm_blg_prvdr_oscar_num, prvdr_oscar_num) as provider_ccn,
    clm_from_dt as from_date,
    clm_thru_dt as thru_date,
    clm_adjsmt_type_cd as adjustment_type_code,
    clm_mdcr_npmt_rsn_cd as nonpayment_reason_code,
    clm_pmt_amt as payment_amount,
    bene_ptnt_stus_cd as patient_status_code,
    dgns_drg_cd as ms_drg,
    clm_admsn_type_cd as admission_type_code,
    prncpl_dgns_cd as principal_diagnosis,
    coalesce(clm_atndg_prvdr_npi_num, atndg_prvdr_npi_num) as attending_npi,
    coalesce(clm_oprtg_prvdr_npi_num, oprtg_prvdr_npi_num) as operating_npi,
    source_archive,
    source_file,
    source_row,
    file_date,
    delivery_month,
    is_run_out
from {{ source('lake', 'cclf1') }}
