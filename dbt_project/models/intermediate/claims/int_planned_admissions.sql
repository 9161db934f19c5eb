-- Episodes with a planned admission, by the methodology's proxy (§12): elective, with a procedure.
select distinct -- a claim has many procedures
    episodes.mbi,
    episodes.admit_date
from {{ ref('int_inpatient_episodes') }} as episodes
inner join {{ ref('int_final_procedures') }} as procedures on episodes.first_claim_id = procedures.claim_id
where episodes.admission_type_code = '3'
