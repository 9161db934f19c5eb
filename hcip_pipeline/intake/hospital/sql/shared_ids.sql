-- Patient ids that appear with several dates of birth.
create table shared_ids as
select patient_id
from d
where patient_id is not null and shape_ok
group by patient_id
having min(birth_date) <> max(birth_date)
