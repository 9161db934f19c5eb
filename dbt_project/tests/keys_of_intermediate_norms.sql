-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_cell_means' as model, 'apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_cell_means') }} group by apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_norm_percentiles' as model, 'norm_method, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_norm_percentiles') }} group by norm_method, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_norm_table' as model, 'norm_method, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_norm_table') }} group by norm_method, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_norms' as model, 'norm_method, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_norms') }} group by norm_method, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_norms_in_force' as model, 'apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_norms_in_force') }} group by apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_physician_means' as model, 'apr_drg, severity_of_illness, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_physician_means') }} group by apr_drg, severity_of_illness, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_trends' as model, 'window_name, component' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_trends') }} group by window_name, component having count(*) > 1) as repeated
having count(*) > 0
