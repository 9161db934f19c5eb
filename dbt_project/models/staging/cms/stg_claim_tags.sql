-- CMS's own final-action tag, which BCDA claims have.
select
    cur_clm_uniq_id as claim_id,
    clm_adjsmt_type_cd as adjustment_type_code,
    part,
    final_action,
    source_archive,
    source_row,
    file_date
from {{ source('lake', 'claim_tags') }}
where part in ('A', 'B', 'DME')
