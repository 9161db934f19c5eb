"""SQL for the elements of the mapping table, over a resource that was read with ``schema``. Pure.

Belongs here: how a value is found. Does not belong here: the element of each field (``data/mapping.csv``), and which
values are valid (``tables``).

``claim`` is the alias of the claim, ``i``, ``d`` and ``p`` of its line, diagnosis and procedure.
"""

from __future__ import annotations

from collections.abc import Callable

#: a modifier may be an element of its own or one of several codings of an element: CMS's examples have both
_MODIFIERS = "flatten(list_transform(i.modifier, lambda m: list_transform(coalesce(m.coding, []), lambda c: c.code)))"
_EXTENSION_VALUE = "coalesce(x.valueCoding.code, x.valueCode)"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def text(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def first(items: str, condition: str) -> str:
    """The first element of a list, called ``x``, for which a condition holds; null if there is none."""
    return f"list_filter({items}, lambda x: {condition})[1]"


def coded(concept: str, code: str) -> str:
    """Whether one of a concept's codings has that code."""
    return f"list_contains(list_transform({concept}.coding, lambda c: c.code), {text(code)})"


def in_system(concept: str, system: str) -> str:
    """A concept's code in a system; its first code if ``system`` is empty."""
    coding = (
        f"{concept}.coding[1]"
        if not system
        else f"list_filter({concept}.coding, lambda c: c.system = {text(system)})[1]"
    )
    return f"{coding}.code"


def _role(role: str) -> str:
    return f"{first('claim.careTeam', coded('x.role', role))}.provider.identifier"


def _role_qualifier(role: str) -> str:
    codings = f"list_filter({_role(role)}.type.coding, lambda c: c.system like '%/PRVDR-ID-QLFYR-CD')"
    return f"{codings}[1].code"


def _info(key: str) -> str:
    category, _, system = key.partition(";")
    entry = f"claim.supportingInfo[list_position(claim.info_keys, {text(category)})]"
    code = in_system(f"{entry}.code", system)
    return f"coalesce({code}, {entry}.valueString, {entry}.valueQuantity.value)"


def _info_date(key: str) -> str:
    entry = f"claim.supportingInfo[list_position(claim.info_keys, {text(key)})]"
    return f'coalesce({entry}.timingDate, {entry}.timingPeriod."start")'


def _info_nth(key: str) -> str:
    category, _, number = key.partition(";")
    entries = f"list_filter(claim.supportingInfo, lambda x: {coded('x.category', category)})"
    return f"{entries}[{int(number) + 1}].code.coding[1].code"


def _info_system(system: str) -> str:
    codings = "flatten(list_transform(claim.supportingInfo, lambda s: coalesce(s.code.coding, [])))"
    return f"{first(codings, f'x.system = {text(system)}')}.code"


def _diagnosis(key: str) -> str:
    if key in ("principal", "admitting"):
        codes = "flatten(list_transform(x.type, lambda t: list_transform(t.coding, lambda c: c.code)))"
        is_of_type = f"list_contains({codes}, {text(key)})"
        return f"{first('claim.diagnosis', is_of_type)}.diagnosisCodeableConcept.coding[1].code"
    if key.isdigit():
        return f"claim.diagnosis_codes[{key}]"
    if key == "system":
        return _edition("claim.diagnosis[1].diagnosisCodeableConcept.coding[1].system")
    return {"code": "d.code", "type": "d.product_type", "sequence": "d.place", "onAdmission": "d.on_admission"}[key]


def _procedure(key: str) -> str:
    concept = "p.procedureCodeableConcept.coding[1]"
    found = {
        "code": f"{concept}.code",
        "system": _edition(f"{concept}.system"),
        "date": "p.date",
        "sequence": "p.sequence",
    }
    return found[key]


def _edition(system: str) -> str:
    """CMS's indicator of the edition of ICD: 0 for the tenth, 9 for the ninth."""
    ninth = f"{system} ilike '%icd-9%' or {system} ilike '%icd9%'"
    return f"case when {ninth} then '9' when {system} ilike '%icd%' then '0' end"


def _item_date(key: str) -> str:
    if key == "servicedDate":
        return "i.servicedDate"
    return f'coalesce(i.servicedPeriod."{key}", i.servicedDate)'


def _item_service(key: str) -> str:
    if key == "hcpcs":
        other = "x.system like '%HIPPS%' or x.system like '%sid/ndc' or x.system like '%C4BBCompoundLiteral'"
        return f"{first('i.productOrService.coding', f'not (x.system = {text(_ABSENT)} or {other})')}.code"
    return in_system("i.productOrService", key)


def _item_care_team(role: str) -> str:
    """The line's own care team member in this role; if it names none, the claim's, if the claim has only one."""
    own = f"list_contains(i.careTeamSequence, x.sequence) and {coded('x.role', role)}"
    team = f"list_filter(claim.careTeam, lambda x: {coded('x.role', role)})"
    numbers = f"list_distinct(list_transform({team}, lambda x: x.provider.identifier.value))"
    only = f"case when length({numbers}) = 1 then {numbers}[1] end"
    return f"coalesce({first('claim.careTeam', own)}.provider.identifier.value, {only})"


def _item_info(_: str) -> str:
    own = "list_contains(i.informationSequence, x.sequence)"
    return f"coalesce({first('claim.line_info', own)}.code.coding[1].code, claim.line_info[1].code.coding[1].code)"


def _drug(key: str) -> str:
    if key == "quantity":
        return "coalesce(i.quantity.value, i.detail[1].quantity.value)"
    return f"coalesce({in_system('i.productOrService', key)}, {in_system('i.detail[1].productOrService', key)})"


def _field(key: str) -> str:
    parts = {
        "billablePeriod.start": 'claim.billablePeriod."start"',
        "billablePeriod.end": 'claim.billablePeriod."end"',
        "name.family": "claim.name[1].family",
    }
    if key.startswith("address."):
        return f"claim.{key.replace('address.', 'address[1].')}"
    return parts.get(key, f"claim.{key}")


def _total(items: str, key: str) -> str:
    condition = f"{coded('x.category', key)} and x.amount.value is not null"
    return f"{first(items, condition)}.amount.value"


def _extension(items: str, url: str) -> str:
    return f"list_transform(list_filter({items}, lambda x: x.url = {text(url)}), lambda x: {_EXTENSION_VALUE})[1]"


def _item_reason(system: str) -> str:
    reasons = "flatten(list_transform(claim.item[1].adjudication, lambda a: coalesce(a.reason.coding, [])))"
    return f"{first(reasons, f'x.system = {text(system)}')}.code"


_SQL: dict[str, Callable[[str], str]] = {
    "constant": text,
    "claim_id": lambda _: "claim.claim_id",
    "identifier": lambda key: f"{first('claim.identifier', f'x.system = {text(key)}')}.value",
    "type": lambda _: "claim.claim_type",
    "field": _field,
    "provider": lambda key: f"{first('claim.provider_identifiers', f'x.system = {text(key)}')}.value",
    "provider_qualifier": lambda key: in_system("claim.provider_identifiers[1].type", key),
    "info": _info,
    "info_nth": _info_nth,
    "info_system": _info_system,
    "info_date": _info_date,
    "care_team": lambda key: "coalesce(" + ", ".join(f"{_role(role)}.value" for role in key.split(",")) + ", null)",
    "care_team_qualifier": _role_qualifier,
    "related": lambda key: f"{first('claim.related', f'x.reference.system = {text(key)}')}.reference.value",
    "total": lambda key: _total("claim.total", key),
    "adjudication": lambda key: _total("claim.adjudication", key),
    "diagnosis": _diagnosis,
    "procedure": _procedure,
    "extension": lambda key: _extension("claim.extension", key),
    "given_name": lambda key: f"claim.name[1].given[{int(key) + 1}]",
    "item_field": lambda key: "i.quantity.value" if key == "quantity" else f"i.{key}",
    "item_amount": lambda key: _total("i.adjudication", key),
    "item_reason": _item_reason,
    "item_revenue": lambda key: in_system("i.revenue", key),
    "item_location": lambda key: in_system("i.locationCodeableConcept", key),
    "item_extension": lambda key: _extension("i.extension", key),
    "item_identifier": lambda key: f"{first('i.extension', f'x.url = {text(key)}')}.valueIdentifier.value",
    "item_diagnosis": lambda _: (
        f"{first('claim.diagnosis', 'x.sequence = i.diagnosisSequence[1]')}.diagnosisCodeableConcept.coding[1].code"
    ),
    "item_date": _item_date,
    "item_service": _item_service,
    "item_care_team": _item_care_team,
    "item_info": _item_info,
    "item_modifier": lambda key: f"{_MODIFIERS}[{int(key) + 1}]",
    "drug": _drug,
}


def sql_of(element: str, key: str) -> str:
    """The SQL of an element, which gives text or null.

    Args:
        element, key: from the mapping table.

    Raises:
        KeyError: an element that the intake does not know.
    """
    return _SQL[element](key)
