-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_case_ledger' as model, 'stage, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_ledger') }} group by stage, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_case_ledger_1_intake' as model, 'stage, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_ledger_1_intake') }} group by stage, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_case_ledger_2_charges' as model, 'stage, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_ledger_2_charges') }} group by stage, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_case_ledger_3_costs' as model, 'stage, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_ledger_3_costs') }} group by stage, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_case_ledger_4_exclusions' as model, 'stage, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_ledger_4_exclusions') }} group by stage, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_case_ledger_5_norms' as model, 'stage, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_ledger_5_norms') }} group by stage, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_incentive_ledger' as model, 'stage, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_incentive_ledger') }} group by stage, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
