-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'stg_earlier_incentives' as model, 'hospital_ccn, period, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_earlier_incentives') }} group by hospital_ccn, period, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_earlier_savings' as model, 'hospital_ccn, period, scope' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_earlier_savings') }} group by hospital_ccn, period, scope having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_frozen_conservation' as model, 'stage, window_name, hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_frozen_conservation') }} group by stage, window_name, hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_frozen_exclusions' as model, 'window_name, hospital_ccn, exclusion_reason' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_frozen_exclusions') }} group by window_name, hospital_ccn, exclusion_reason having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_frozen_norm_cases' as model, 'base_year, apr_drg, severity_of_illness, case_number' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_frozen_norm_cases') }} group by base_year, apr_drg, severity_of_illness, case_number having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_frozen_norm_physicians' as model, 'base_year, apr_drg, severity_of_illness, physician_number' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_frozen_norm_physicians') }} group by base_year, apr_drg, severity_of_illness, physician_number having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_frozen_norms' as model, 'norm_method, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_frozen_norms') }} group by norm_method, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_frozen_quality_cells' as model, 'base_year, apr_drg, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_frozen_quality_cells') }} group by base_year, apr_drg, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_later_payments' as model, 'hospital_ccn, period, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_later_payments') }} group by hospital_ccn, period, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_program_changes' as model, 'hospital_ccn, reason' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_program_changes') }} group by hospital_ccn, reason having count(*) > 1) as repeated
having count(*) > 0
