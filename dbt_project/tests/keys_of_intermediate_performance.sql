-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_hospital_incentive_pools' as model, 'hospital_ccn, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_hospital_incentive_pools') }} group by hospital_ccn, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_performance_gate' as model, 'npi, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_performance_gate') }} group by npi, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_performance_incentives' as model, 'hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_performance_incentives') }} group by hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
