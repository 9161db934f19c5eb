-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_case_windows' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_windows') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_cases' as model, 'hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_cases') }} group by hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_cost_outliers' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_cost_outliers') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_counted_cases' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_counted_cases') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_rule_exclusions' as model, 'hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_rule_exclusions') }} group by hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_windowed_cases' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_windowed_cases') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
