-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_approved_activities' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_approved_activities') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_calculated_incentives' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_calculated_incentives') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_condition_outcomes' as model, 'hospital_ccn, npi, condition_id' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_condition_outcomes') }} group by hospital_ccn, npi, condition_id having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_distribution_limits' as model, 'hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_distribution_limits') }} group by hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_holds' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_holds') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_pfs_approved_amounts' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_pfs_approved_amounts') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_waterfall_2_conditions' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_waterfall_2_conditions') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_waterfall_3_standing' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_waterfall_3_standing') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_waterfall_4_committee' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_waterfall_4_committee') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_waterfall_5_pfs_cap' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_waterfall_5_pfs_cap') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_waterfall_6_distribution_limit' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_waterfall_6_distribution_limit') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_year_caps' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_year_caps') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
