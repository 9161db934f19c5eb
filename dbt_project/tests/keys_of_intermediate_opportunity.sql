-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_benchmarked_cases' as model, 'hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_benchmarked_cases') }} group by hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_benchmarked_cells' as model, 'hospital_ccn, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_benchmarked_cells') }} group by hospital_ccn, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_compared_cases' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_compared_cases') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_cost_center_benchmarks' as model, 'hospital_ccn, rate_center, service_line' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_cost_center_benchmarks') }} group by hospital_ccn, rate_center, service_line having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_cost_center_totals' as model, 'window_name, hospital_ccn, rate_center, service_line' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_cost_center_totals') }} group by window_name, hospital_ccn, rate_center, service_line having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_level_baselines' as model, 'hospital_ccn, service_line, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_level_baselines') }} group by hospital_ccn, service_line, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_level_totals' as model, 'hospital_ccn, level, service_line, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_level_totals') }} group by hospital_ccn, level, service_line, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_norm_means' as model, 'apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_norm_means') }} group by apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_partner_baselines' as model, 'hospital_ccn, npi, stream' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_partner_baselines') }} group by hospital_ccn, npi, stream having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_partner_intervals' as model, 'hospital_ccn, npi, stream' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_partner_intervals') }} group by hospital_ccn, npi, stream having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_partner_totals' as model, 'hospital_ccn, npi, stream' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_partner_totals') }} group by hospital_ccn, npi, stream having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_statewide_cell_means' as model, 'apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_statewide_cell_means') }} group by apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_statewide_rate_center_means' as model, 'apr_drg, severity_of_illness, rate_center' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_statewide_rate_center_means') }} group by apr_drg, severity_of_illness, rate_center having count(*) > 1) as repeated
having count(*) > 0
