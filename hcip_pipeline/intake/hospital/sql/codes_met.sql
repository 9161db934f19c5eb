-- Distinct codes of the discharges checked against their tables: unknown codes, and surgical APR-DRGs.
create table codes_met as
select
    'drg' as kind,
    used.code,
    ref.code is null and used.apr_drg not in ({{ ungroupable }}) as is_bad,
    coalesce(ref.is_surgical, false) as is_surgical
from (select distinct apr_drg, {{ drg_code }} as code from d where apr_drg is not null and shape_ok) as used
left join ref_apr_drg as ref using (code)
where used.code is not null
union all
select distinct 'grouper', grouper_version, true, false
from d
where
    shape_ok and grouper_version <> '' and grouper_version not in (select grouper_version from ref_groupers)
    and apr_drg not in ({{ ungroupable }})
union all
select distinct 'disposition', coalesce(discharge_disposition, ''), true, false
from d
where shape_ok and coalesce(discharge_disposition, '') not in (select code from ref_dispositions)
union all
select 'npi', npi, {{ npi_fails }}, false
from (select attending_npi as npi from d union select operating_npi from d)
where npi is not null
