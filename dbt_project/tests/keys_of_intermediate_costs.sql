-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_case_costs' as model, 'hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_costs') }} group by hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_case_rate_years' as model, 'hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_case_rate_years') }} group by hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_charges_by_rate_center' as model, 'hospital_ccn, account_no, rate_center' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_charges_by_rate_center') }} group by hospital_ccn, account_no, rate_center having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_cost_factors' as model, 'hospital_ccn, rate_center, rate_year' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_cost_factors') }} group by hospital_ccn, rate_center, rate_year having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_rate_center_costs' as model, 'hospital_ccn, account_no, rate_center' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_rate_center_costs') }} group by hospital_ccn, account_no, rate_center having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_revenue_code_rate_centers' as model, 'revenue_code' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_revenue_code_rate_centers') }} group by revenue_code having count(*) > 1) as repeated
having count(*) > 0
