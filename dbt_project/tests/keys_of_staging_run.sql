-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'stg_elections' as model, 'hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_elections') }} group by hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_windows' as model, 'window_name' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_windows') }} group by window_name having count(*) > 1) as repeated
having count(*) > 0
