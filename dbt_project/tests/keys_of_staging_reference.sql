-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'stg_apr_drgs' as model, 'grouper_version, apr_drg' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_apr_drgs') }} group by grouper_version, apr_drg having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_cost_factors' as model, 'hospital_ccn, rate_center, rate_year' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_cost_factors') }} group by hospital_ccn, rate_center, rate_year having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_cost_index' as model, 'calendar_year, component' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_cost_index') }} group by calendar_year, component having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_hospitals' as model, 'hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_hospitals') }} group by hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_network_topics' as model, 'topic, measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_network_topics') }} group by topic, measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_networks' as model, 'network_id, hospital_ccn, topic' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_networks') }} group by network_id, hospital_ccn, topic having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_per_diems' as model, 'calendar_year, severity_of_illness' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_per_diems') }} group by calendar_year, severity_of_illness having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_quality_targets' as model, 'measure' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_quality_targets') }} group by measure having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_rate_centers' as model, 'rate_center' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_rate_centers') }} group by rate_center having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_revenue_code_ranges' as model, 'revenue_code_from, revenue_code_to' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_revenue_code_ranges') }} group by revenue_code_from, revenue_code_to having count(*) > 1) as repeated
having count(*) > 0
