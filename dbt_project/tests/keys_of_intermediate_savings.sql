-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_internal_savings' as model, 'hospital_ccn, scope' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_internal_savings') }} group by hospital_ccn, scope having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_scope_totals' as model, 'scope, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_scope_totals') }} group by scope, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
