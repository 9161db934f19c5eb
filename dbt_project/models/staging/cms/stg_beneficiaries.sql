-- Beneficiaries in each monthly file (CCLF8): a beneficiary with several hospice ranges has several rows. A BCDA export
-- since a date lists only beneficiaries with a change.
select
    bene_mbi_id as mbi,
    bene_fips_state_cd as state_fips,
    bene_fips_cnty_cd as county_fips,
    bene_zip_cd as zip_code,
    bene_dob as birth_date,
    case bene_sex_cd when '1' then 'M' when '2' then 'F' else 'U' end as sex,
    bene_death_dt as death_date,
    bene_rng_bgn_dt as hospice_begin_date,
    bene_rng_end_dt as hospice_end_date,
    source_archive,
    source_archive like '%BCDA.SINCE.%' as is_partial,
    source_row,
    file_date,
    delivery_month,
    is_run_out
from {{ source('lake', 'cclf8') }}
