-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_guardrail_counts' as model, 'hospital_ccn, level, subject, sign' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_guardrail_counts') }} group by hospital_ccn, level, subject, sign having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_guardrail_discharges' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_guardrail_discharges') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_all_payer_counts' as model, 'window_name, hospital_ccn, level, subject, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_all_payer_counts') }} group by window_name, hospital_ccn, level, subject, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_all_payer_measures' as model, 'hospital_ccn, level, subject, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_all_payer_measures') }} group by hospital_ccn, level, subject, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_beneficiary_areas' as model, 'mbi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_beneficiary_areas') }} group by mbi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_medicare_counts' as model, 'window_name, hospital_ccn, level, subject, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_medicare_counts') }} group by window_name, hospital_ccn, level, subject, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_medicare_measures' as model, 'hospital_ccn, level, subject, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_medicare_measures') }} group by hospital_ccn, level, subject, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_quality_cells' as model, 'base_year, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_quality_cells') }} group by base_year, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_quality_discharges' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_quality_discharges') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_quality_state' as model, '' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_quality_state') }} having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_group_counts' as model, 'group_kind, group_id, topic, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_group_counts') }} group by group_kind, group_id, topic, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_group_measures' as model, 'group_kind, group_id, topic, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_group_measures') }} group by group_kind, group_id, topic, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_network_members' as model, 'network_id, hospital_ccn, topic' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_network_members') }} group by network_id, hospital_ccn, topic having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_peer_counts' as model, 'group_kind, group_id, topic, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_peer_counts') }} group by group_kind, group_id, topic, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_peer_measures' as model, 'group_kind, group_id, topic, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_peer_measures') }} group by group_kind, group_id, topic, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_quality_groups' as model, 'group_kind, group_id, topic, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_quality_groups') }} group by group_kind, group_id, topic, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_care_episodes' as model, 'patient_id, episode_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_care_episodes') }} group by patient_id, episode_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_index_discharges' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_index_discharges') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_medicare_returns' as model, 'window_name, mbi, admit_date' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_medicare_returns') }} group by window_name, mbi, admit_date having count(*) > 1) as repeated
having count(*) > 0
