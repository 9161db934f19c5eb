-- Final, not denied claims of home health, skilled nursing, hospice, rehabilitation and long-term hospitals that begin
-- within 90 days after an acute episode, each assigned to the latest episode before it.
with services as (
    select
        *,
        case
            when claim_type_code = '10' then 'home_health'
            when claim_type_code in ('20', '30') then 'skilled_nursing'
            when claim_type_code = '50' then 'hospice'
            when claim_type_code in ('60', '61') and facility_type = 'rehabilitation' then 'rehabilitation'
            when claim_type_code in ('60', '61') and facility_type = 'long_term' then 'long_term_hospital'
        end as service
    from {{ ref('int_final_part_a_claims') }}
    where not is_denied
),

episodes as (
    select * from {{ ref('int_inpatient_episodes') }}
)

select
    services.claim_id,
    services.mbi,
    episodes.admit_date as episode_admit_date,
    episodes.discharge_date as episode_discharge_date,
    services.service,
    services.provider_ccn,
    services.from_date,
    services.thru_date,
    {{ days_between('episodes.discharge_date', 'services.from_date') }} as days_after_discharge,
    coalesce(services.payment_amount, 0) as payment_amount
from services
inner join episodes
    on
        services.mbi = episodes.mbi
        and services.from_date >= episodes.discharge_date
        and services.from_date <= {{ add_days('episodes.discharge_date', 90) }}
where services.service is not null
qualify row_number() over (partition by services.claim_id order by episodes.discharge_date desc, episodes.admit_date desc) = 1
