-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_improvement_incentives' as model, 'hospital_ccn, npi, stream' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_improvement_incentives') }} group by hospital_ccn, npi, stream having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_improvement_pools' as model, 'hospital_ccn, npi, stream' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_improvement_pools') }} group by hospital_ccn, npi, stream having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_stream_averages' as model, 'window_name, hospital_ccn, npi, stream' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_stream_averages') }} group by window_name, hospital_ccn, npi, stream having count(*) > 1) as repeated
having count(*) > 0
