"""The SQL that turns resources into rows of the CCLF tables.

Belongs here: the elements that a table's rows come from, and which values are valid. Does not belong here: how an
element is found (``paths``), running the SQL (``reader``).
"""

from __future__ import annotations

from hcip_pipeline.contracts.cclf_codes import CODE_WIDTHS
from hcip_pipeline.contracts.cms import LAYOUTS, CmsField
from hcip_pipeline.intake.bcda.mapping import Mapped, mapping
from hcip_pipeline.intake.bcda.paths import coded, first, in_system, sql_of, text

#: CMS's claim type codes by the part of CCLF that contains them; other claims are counted and ignored
PARTS = {
    "A": ("10", "20", "30", "40", "50", "60", "61"),
    "B": ("71", "72"),
    "DME": ("81", "82"),
    "D": ("01", "02", "03", "04"),
}
#: tables of claims -> the part whose claims fill them
CLAIM_TABLES = {
    "cclf1": "A", "cclf2": "A", "cclf3": "A", "cclf4": "A", "cclf5": "B", "cclf6": "DME", "cclf7": "D", "cclfa": "A",
    "cclfb": "B",
}  # fmt: skip
_OF_LINES = ("cclf2", "cclf5", "cclf6", "cclfb")
_MBI = "http://hl7.org/fhir/sid/us-mbi"
_NOTHING = "null::varchar"
#: the element of ``supportingInfo`` with a claim's adjustment code
ADJUSTMENT = "CLM_ADJSTMT_TYPE_CD"
#: SQL: whether an identifier ``x`` of a claim is its claim id
CLAIM_ID = coded("x.type", "uc")
#: SQL: CMS's code of the sex, from SNOMED's code or FHIR's word
_SEX = """case coalesce({sex}, claim.gender) when '248153007' then '1' when 'male' then '1'
    when '248152002' then '2' when 'female' then '2' else '0' end"""
_RACES = {"2106-3": "1", "2054-5": "2", "2131-1": "3", "2028-9": "4", "2135-2": "5", "1002-5": "6"}
_PLAIN_NUMBER = "regexp_full_match({0}, '-?[0-9]+([.][0-9]+)?')"
_WHOLE_NUMBER = "regexp_full_match({0}, '-?[0-9]+([.]0+)?')"
_PLAIN_DATE = "regexp_full_match({0}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"
_DECIMALS = {"money": 2, "quantity": 4}


def _types_of(diagnosis: str) -> str:
    codes = "lambda t: list_transform(coalesce(t.coding, []), lambda c: c.code)"
    return f"flatten(list_transform(coalesce({diagnosis}.type, []), {codes}))"


def _of_type(*types: str) -> str:
    wanted = ", ".join(map(text, types))
    return f"list_filter(claim.diagnosis, lambda x: list_has_any({_types_of('x')}, [{wanted}]))"


_CODE = "diagnosisCodeableConcept.coding[1].code"
_LISTED = _of_type("other", "secondary")
_LISTED_CODES = f"list_transform({_LISTED}, lambda x: x.{_CODE})"
#: The diagnoses that CCLF lists: among them the principal one, even if the resource does not list it a second time.
_DIAGNOSES = (
    f"list_concat(list_filter({_of_type('principal')}, lambda x: not list_contains({_LISTED_CODES}, x.{_CODE})), "
    f"{_LISTED})"
)


def _placed(diagnoses: str, product_type: str) -> str:
    return (
        f"list_transform({diagnoses}, lambda x, n: {{'code': x.{_CODE}, 'product_type': '{product_type}', 'place': n, "
        "'on_admission': x.onAdmission.coding[1].code})"
    )


def adjustment_sql() -> str:
    """A claim's adjustment code, at its width."""
    return _at_width(f"trim({sql_of('info', f'{ADJUSTMENT};')})", CODE_WIDTHS["clm_adjsmt_type_cd"])


def claims_sql(source: str) -> str:
    """SQL for claims with the values that several of their tables need, from resources as read.

    Args:
        source: the relation of resources.
    """
    patient = "split_part(claim.patient.reference, '/', -1)"
    info_key = "coalesce({}, {}, s.category.coding[1].code)".format(
        *(
            f"list_filter(s.category.coding, lambda c: c.system like '%{system}')[1].code"
            for system in ("/Supporting-Information", "/C4BBSupportingInfoType")
        )
    )
    claim_type = in_system("claim.type", "https://bluebutton.cms.gov/fhir/CodeSystem/CLM-TYPE-CD")
    parts = " ".join(
        f"when claim_type in ({', '.join(map(text, types))}) then '{part}'" for part, types in PARTS.items()
    )
    tags = "list_filter(claim.meta.tag, lambda t: t.system like '%/{}')"
    provider = "list_filter(claim.contained, lambda c: '#' || c.id = claim.provider.reference)[1].identifier"
    return f"""
    with read as (
        select claim.*,
            {first("claim.identifier", CLAIM_ID)}.value as claim_id,
            {_at_width(f"trim({claim_type})", 2)} as claim_type,
            {patient} as patient_id,
            {provider} as provider_identifiers,
            list_transform(claim.supportingInfo, lambda s: {info_key}) as info_keys,
            list_transform({_DIAGNOSES}, lambda x: x.{_CODE}) as diagnosis_codes,
            list_transform({tags.format("System-Type")}, lambda t: t.code) as system_types,
            {tags.format("Final-Action")}[1].code as final_action
        from {source} as claim
    )
    select *, is_adjudicated and not is_withdrawn and part is not null as is_read
    from (
        select read.*, patients.mbi,
            case {parts} end as part,
            coalesce(outcome = 'complete', false) and not coalesce(list_contains(system_types, 'SharedSystem'), false)
                and coalesce("use" = 'claim', true) as is_adjudicated,
            coalesce(status <> 'active', false) as is_withdrawn
        from read left join patients on read.patient_id = patients.patient_id
    )"""


def raw_sql(table: str) -> str:
    """SQL for a table's rows as text, with the line of the file as ``source_row``, from ``claims`` or ``people``."""
    if table == "cclf8":
        return _people()
    if table == "cclf9":
        return _identifiers()
    fields = LAYOUTS[table].fields
    values = {field.name: _value(table, field.name) for field in fields}
    inner = {name: sql for name, sql in values.items() if not _is_below_claim(sql)}
    outer = {name: sql for name, sql in values.items() if _is_below_claim(sql)}
    below = {"cclf3": "unnest(claim.procedure) as p", "cclf7": "claim.item[1] as i"}.get(table)
    if table in _OF_LINES:
        below = "unnest(claim.item) as i, claim.careTeam, claim.diagnosis, list_filter(claim.supportingInfo, "
        below += f"lambda x: {coded('x.category', 'RNDRG_PRVDR_FIPS_ST_CD')}) as line_info"
    elif table == "cclf4":
        lists = ", ".join((_placed(_DIAGNOSES, "D"), _placed(_of_type("externalcauseofinjury"), "E"),
                           _placed(_of_type("patientreasonforvisit"), "R")))  # fmt: skip
        below = f"unnest(list_concat({lists})) as d"
    part = CLAIM_TABLES[table]
    inner_columns = ", ".join([*(f"{sql} as {name}" for name, sql in inner.items()), *([below] if below else [])])
    claims = f"select claim._row, {inner_columns} from claims as claim where is_read and part = '{part}'"
    columns = ", ".join(f"{outer.get(field.name, f'claim.{field.name}')} as {field.name}" for field in fields)
    return f"select claim._row as source_row, {columns} from ({claims}) as claim"


def _is_below_claim(sql: str) -> bool:
    return any(alias in sql for alias in ("i.", "d.", "p.")) and any(
        f"{before}{alias}" in f" {sql}" for alias in ("i.", "d.", "p.") for before in (" ", "(", ",")
    )


def _value(table: str, field: str) -> str:
    mapped = mapping().get((table, field))
    if mapped is None:
        return _NOTHING
    if mapped.resource == "Patient":
        return "claim.mbi"
    return _adapted(field, sql_of(mapped.element, mapped.key))


def _adapted(field: str, sql: str) -> str:
    """A value as CCLF writes it: codes without points, no all-zero NPI, one digit of the type of bill."""
    if field in ("clm_bill_clsfctn_cd", "clm_bill_freq_cd"):
        return f"right({sql}, 1)"  # resources have the preceding digits too
    if ("dgns" in field and field.endswith("_cd")) or field == "clm_prcdr_cd":
        return f"replace({sql}, '.', '')" if "drg" not in field else sql
    if "npi_num" in field or "gnrc_id" in field:
        return f"nullif({sql}, '0000000000')"
    return f"cast({sql} as varchar)"


def _people() -> str:
    """CCLF8: one row per Patient, with the data of its coverages."""
    values = {}
    for field in LAYOUTS["cclf8"].fields:
        mapped = mapping().get(("cclf8", field.name))
        values[field.name] = _NOTHING if mapped is None else _of_person(field.name, mapped)
    columns = ", ".join(f"{sql} as {name}" for name, sql in values.items())
    return f"""select claim._row as source_row, {columns} from people as claim
        left join covered on claim.id = covered.patient_id"""


def _of_person(field: str, mapped: Mapped) -> str:
    if field == "bene_mbi_id":
        return "claim.mbi"
    if mapped.resource == "Coverage":
        return f"covered.{field}"
    if field == "bene_sex_cd":
        return _SEX.format(sex=sql_of(mapped.element, mapped.key))
    if field == "bene_race_cd":
        whens = " ".join(f"when '{code}' then '{race}'" for code, race in _RACES.items())
        parts = "flatten(list_transform(coalesce(claim.extension, []), lambda e: coalesce(e.extension, [])))"
        omb = first(parts, "x.url = 'ombCategory'") + ".valueCoding.code"
        return f"case when {omb} is not null then case {omb} {whens} else '0' end end"
    return f"cast({sql_of(mapped.element, mapped.key)} as varchar)"


def coverage_sql(source: str) -> str:
    """SQL for beneficiaries' coverages, one row per version of a coverage, from resources as read."""
    columns = ["claim.id", "try_cast(claim.meta.lastUpdated as timestamptz) as updated"]
    for field in LAYOUTS["cclf8"].fields:
        mapped = mapping().get(("cclf8", field.name))
        if mapped is None or mapped.resource != "Coverage":
            continue
        if mapped.element == "period":
            part = f"list_contains(list_transform(claim.class, lambda c: c.value), {text(mapped.key)})"
            columns.append(f'case when {part} then claim.period."start" end as {field.name}')
        else:
            columns.append(f"{sql_of(mapped.element, mapped.key)} as {field.name}")
    return f"""select split_part(claim.beneficiary.reference, '/', -1) as patient_id, {", ".join(columns)}
        from {source} as claim"""


def people_sql(source: str) -> str:
    """SQL for patients with all their numbers, and the current one: the newest without an end, else the newest."""
    numbers = f"list_filter(claim.identifier, lambda x: x.system = {text(_MBI)})"
    order = "list_transform({}, lambda x: {{'since': coalesce(x.period.\"start\", ''), 'value': x.value, "
    order += "'until': coalesce(x.period.\"end\", '')}})"
    holding = f'list_filter({numbers}, lambda x: x.period."end" is null)'
    newest = f"list_reverse_sort({order.format(holding)})[1].value"
    last = f"list_reverse_sort({order.format(numbers)})[1].value"
    return f"select claim.*, coalesce({newest}, {last}) as mbi, {numbers} as numbers from {source} as claim"


def _identifiers() -> str:
    """CCLF9: one row per number that was replaced."""
    return """select _row as source_row, 'M' as hicn_mbi_xref_ind, mbi as crnt_num, n.value as prvs_num,
        n.period."start" as prvs_id_efctv_dt, n.period."end" as prvs_id_obslt_dt, null::varchar as bene_rrb_num
        from (select _row, mbi, unnest(numbers) as n from people)
        where n.period."end" is not null and n.value <> mbi"""


def _at_width(code: str, width: int) -> str:
    """SQL for a code with as many digits as its domain has, as ``contracts.cclf_codes.at_width``."""
    bare = f"ltrim({code}, '0')"
    wide = f"case when length({bare}) >= {width} then {bare} else lpad({bare}, {width}, '0') end"
    return f"case when regexp_full_match({code}, '[0-9]+') and length({code}) <> {width} then {wide} else {code} end"


def cleaned_sql(table: str) -> str:
    """``raw_sql`` with values trimmed; empty values and placeholder dates are null."""
    columns = []
    for field in LAYOUTS[table].fields:
        value = f"nullif(nullif(trim({field.name}), ''), '~')"
        if field.kind == "date":
            day = f"case when substr({value}, 11, 1) in ('', 'T') then left({value}, 10) else {value} end"
            value = f"nullif(nullif({day}, '1000-01-01'), '9999-12-31')"
        columns.append(f"{value} as {field.name}")
    return f"select source_row, {', '.join(columns)} from ({raw_sql(table)})"


def typed_sql(table: str, source: str) -> str:
    """SQL for values in their columns' types, null if they cannot be read, with their text as ``_<field>``.

    Args:
        table: of CCLF.
        source: the relation of ``cleaned_sql``.
    """
    columns = [f"{_typed(f)} as {f.name}, {f.name} as _{f.name}" for f in LAYOUTS[table].fields if _is_converted(f)]
    texts = [f.name for f in LAYOUTS[table].fields if not _is_converted(f)]
    return f"select source_row, {', '.join([*texts, *columns])} from {source}"


def _is_converted(field: CmsField) -> bool:
    return field.kind != "text" or field.name in CODE_WIDTHS


def _typed(field: CmsField) -> str:
    value = field.name
    if field.kind == "text":
        return _at_width(value, CODE_WIDTHS[field.name])
    if field.kind == "date":
        return f"case when {_PLAIN_DATE.format(value)} then try_cast({value} as date) end"
    limits = field.column.limits
    assert limits is not None  # every number has them
    most = int(limits[1])
    if field.kind == "integer":
        is_whole = f"{_WHOLE_NUMBER.format(value)} and abs(try_cast({value} as decimal(38, 8))) <= {most}"
        return f"case when {is_whole} then try_cast({value} as bigint) end"
    number = f"case when {_PLAIN_NUMBER.format(value)} then try_cast({value} as decimal(38, 8)) end"
    return f"try_cast(case when abs({number}) <= {most} then {number} end as decimal(18, {_DECIMALS[field.kind]}))"


def unreadable(field: CmsField) -> str:
    """SQL: whether a value of ``typed_sql`` could not be read."""
    if field.kind == "text":
        return f"left({field.name}, 1) in ('{{', '[')"  # an object or a list where a text should be
    return f"_{field.name} is not null and {field.name} is null"


def odd(table: str) -> tuple[str, str]:
    """SQL: how many values of ``typed_sql`` were padded or trimmed, and how many had too many decimal places."""
    fields = LAYOUTS[table].fields
    wide = [f"count(*) filter (where {f.name} <> _{f.name})" for f in fields if f.name in CODE_WIDTHS]
    places = [
        f"count(*) filter (where regexp_matches(_{f.name}, '[.][0-9]{{{_DECIMALS[f.kind]}}}0*[1-9]'))"
        for f in fields
        if f.kind in _DECIMALS
    ]
    return " + ".join(wide or ["0"]), " + ".join(places or ["0"])
