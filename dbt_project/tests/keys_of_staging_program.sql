-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'stg_care_partners' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_care_partners') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_committee_adjustments' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_committee_adjustments') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_committee_meetings' as model, 'hospital_ccn, met_on' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_committee_meetings') }} group by hospital_ccn, met_on having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_condition_results' as model, 'hospital_ccn, npi, condition_id' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_condition_results') }} group by hospital_ccn, npi, condition_id having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_conditions' as model, 'hospital_ccn, condition_id' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_conditions') }} group by hospital_ccn, condition_id having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_excluded_individuals' as model, 'npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_excluded_individuals') }} group by npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_intervention_activity' as model, 'hospital_ccn, npi, intervention_id' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_intervention_activity') }} group by hospital_ccn, npi, intervention_id having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_irregular_npis' as model, 'npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_irregular_npis') }} group by npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_other_program_amounts' as model, 'hospital_ccn, period, program, kind' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_other_program_amounts') }} group by hospital_ccn, period, program, kind having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_pfs_cap_notices' as model, 'hospital_ccn, npi, calendar_year' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_pfs_cap_notices') }} group by hospital_ccn, npi, calendar_year having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_pool_notices' as model, 'hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_pool_notices') }} group by hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_programs' as model, 'hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_programs') }} group by hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_protocol_committee' as model, 'hospital_ccn, member' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_protocol_committee') }} group by hospital_ccn, member having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_protocol_findings' as model, 'hospital_ccn, finding_id, subject' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_protocol_findings') }} group by hospital_ccn, finding_id, subject having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_protocol_interventions' as model, 'hospital_ccn, intervention_id' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_protocol_interventions') }} group by hospital_ccn, intervention_id having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_protocols' as model, 'hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_protocols') }} group by hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_redesign_results' as model, 'hospital_ccn, intervention_id, quarter' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_redesign_results') }} group by hospital_ccn, intervention_id, quarter having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_screening' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_screening') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
