-- The cases behind each finding, for the hospital's own committee.
with findings as (
    select * from {{ ref('guardrails') }} where is_finding
),

discharges as (
    select * from {{ ref('int_guardrail_discharges') }} where window_name = 'performance'
)

{% for sign, event, expected in guardrail_signs() + [('VOLUME', 'true', '1')] -%}
select
    findings.hospital_ccn,
    findings.period,
    findings.level,
    findings.npi,
    findings.sign,
    discharges.account_no,
    discharges.npi as responsible_npi
from findings
inner join discharges
    on
        findings.hospital_ccn = discharges.hospital_ccn
        and (findings.level = 'hospital' or findings.npi = discharges.npi)
        and {{ event if event == 'true' else 'discharges.' ~ event }}
        and {{ expected if expected == '1' else 'discharges.' ~ expected }} is not null
where findings.sign = '{{ sign }}'
{{ 'union all' if not loop.last }}
{% endfor -%}
