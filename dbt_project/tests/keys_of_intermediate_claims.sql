-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_beneficiary_months' as model, 'mbi, delivery_month' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_beneficiary_months') }} group by mbi, delivery_month having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_changed_redeliveries' as model, 'part, claim_id, adjustment_type_code, line_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_changed_redeliveries') }} group by part, claim_id, adjustment_type_code, line_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_claim_versions' as model, 'part, claim_id, adjustment_type_code' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_claim_versions') }} group by part, claim_id, adjustment_type_code having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_contested_claims' as model, 'part, claim_id, adjustment_type_code' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_contested_claims') }} group by part, claim_id, adjustment_type_code having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_current_identifiers' as model, 'mbi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_current_identifiers') }} group by mbi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_doubtful_claims' as model, 'part, claim_id, adjustment_type_code' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_doubtful_claims') }} group by part, claim_id, adjustment_type_code having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_episode_readmissions' as model, 'mbi, admit_date' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_episode_readmissions') }} group by mbi, admit_date having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_final_action' as model, 'part, claim_id, adjustment_type_code' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_final_action') }} group by part, claim_id, adjustment_type_code having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_final_part_a_claims' as model, 'claim_id, source_file, source_row' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_final_part_a_claims') }} group by claim_id, source_file, source_row having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_final_professional_lines' as model, 'part, claim_id, line_no, source_file, source_row' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_final_professional_lines') }} group by part, claim_id, line_no, source_file, source_row having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_identifier_links' as model, 'previous_mbi, current_mbi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_identifier_links') }} group by previous_mbi, current_mbi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_inpatient_episodes' as model, 'mbi, admit_date' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_inpatient_episodes') }} group by mbi, admit_date having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_inpatient_stays' as model, 'mbi, hospital_ccn, admit_date' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_inpatient_stays') }} group by mbi, hospital_ccn, admit_date having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_part_a_claims' as model, 'claim_id, adjustment_type_code' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_part_a_claims') }} group by claim_id, adjustment_type_code having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_pfs_approved_by_claims' as model, 'hospital_ccn, npi, calendar_year' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_pfs_approved_by_claims') }} group by hospital_ccn, npi, calendar_year having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_planned_admissions' as model, 'mbi, admit_date' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_planned_admissions') }} group by mbi, admit_date having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_post_acute_services' as model, 'claim_id' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_post_acute_services') }} group by claim_id having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_professional_claims' as model, 'part, claim_id' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_professional_claims') }} group by part, claim_id having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_professional_lines' as model, 'part, claim_id, adjustment_type_code, line_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_professional_lines') }} group by part, claim_id, adjustment_type_code, line_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_stay_discharges' as model, 'mbi, hospital_ccn, admit_date' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_stay_discharges') }} group by mbi, hospital_ccn, admit_date having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_tagged_claims' as model, 'part, claim_id, adjustment_type_code' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_tagged_claims') }} group by part, claim_id, adjustment_type_code having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_withdrawn_claims' as model, 'part, claim_id' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_withdrawn_claims') }} group by part, claim_id having count(*) > 1) as repeated
having count(*) > 0
