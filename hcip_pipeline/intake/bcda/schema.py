"""The parts of FHIR resources that are read, as DuckDB types. All other parts of a resource are ignored."""

from __future__ import annotations

_CODING = "STRUCT(system VARCHAR, code VARCHAR)"
_CONCEPT = f"STRUCT(coding {_CODING}[])"
_PERIOD = 'STRUCT("start" VARCHAR, "end" VARCHAR)'
#: amounts and quantities are text: ``lines`` has put their numbers in quotation marks
_AMOUNT = "STRUCT(value VARCHAR)"
_IDENTIFIER = f"STRUCT(type {_CONCEPT}, system VARCHAR, value VARCHAR, period {_PERIOD})"
_EXTENSION = (
    f"STRUCT(url VARCHAR, valueCoding {_CODING}, valueIdentifier STRUCT(value VARCHAR), valueCode VARCHAR, "
    f"extension STRUCT(url VARCHAR, valueCoding {_CODING})[])"
)
_ADJUDICATION = f"STRUCT(category {_CONCEPT}, amount {_AMOUNT}, reason {_CONCEPT})"
_INFO = (
    f"STRUCT(sequence BIGINT, category {_CONCEPT}, code {_CONCEPT}, timingDate VARCHAR, timingPeriod {_PERIOD}, "
    f"valueString VARCHAR, valueQuantity {_AMOUNT})"
)
_ITEM = (
    "STRUCT(sequence BIGINT, careTeamSequence BIGINT[], diagnosisSequence BIGINT[], informationSequence BIGINT[], "
    f"extension {_EXTENSION}[], revenue {_CONCEPT}, productOrService {_CONCEPT}, modifier {_CONCEPT}[], "
    f"servicedDate VARCHAR, servicedPeriod {_PERIOD}, locationCodeableConcept {_CONCEPT}, quantity {_AMOUNT}, "
    f"adjudication {_ADJUDICATION}[], detail STRUCT(productOrService {_CONCEPT}, quantity {_AMOUNT})[])"
)
_META = f"STRUCT(lastUpdated VARCHAR, profile VARCHAR[], tag {_CODING}[])"
_ANY = {"_row": "BIGINT", "_digest": "VARCHAR", "resourceType": "VARCHAR", "id": "VARCHAR", "meta": _META}

#: resource -> its elements that are read
SCHEMAS: dict[str, dict[str, str]] = {
    "ExplanationOfBenefit": {
        **_ANY,
        "contained": f"STRUCT(id VARCHAR, identifier {_IDENTIFIER}[])[]",
        "identifier": f"{_IDENTIFIER}[]",
        "status": "VARCHAR",
        "use": "VARCHAR",
        "type": _CONCEPT,
        "patient": "STRUCT(reference VARCHAR)",
        "billablePeriod": _PERIOD,
        "created": "VARCHAR",
        "provider": "STRUCT(reference VARCHAR)",
        "outcome": "VARCHAR",
        "related": f"STRUCT(reference {_IDENTIFIER})[]",
        "careTeam": f"STRUCT(sequence BIGINT, provider STRUCT(identifier {_IDENTIFIER}), role {_CONCEPT})[]",
        "supportingInfo": f"{_INFO}[]",
        "diagnosis": f"STRUCT(sequence BIGINT, diagnosisCodeableConcept {_CONCEPT}, type {_CONCEPT}[], "
        f"onAdmission {_CONCEPT})[]",
        "procedure": f"STRUCT(sequence BIGINT, date VARCHAR, procedureCodeableConcept {_CONCEPT})[]",
        "item": f"{_ITEM}[]",
        "adjudication": f"{_ADJUDICATION}[]",
        "total": f"{_ADJUDICATION}[]",
        "payment": f"STRUCT(amount {_AMOUNT})",
    },
    "Patient": {
        **_ANY,
        "identifier": f"{_IDENTIFIER}[]",
        "name": "STRUCT(family VARCHAR, given VARCHAR[])[]",
        "gender": "VARCHAR",
        "birthDate": "VARCHAR",
        "deceasedDateTime": "VARCHAR",
        "address": "STRUCT(city VARCHAR, state VARCHAR, postalCode VARCHAR)[]",
        "extension": f"{_EXTENSION}[]",
    },
    "Coverage": {
        **_ANY,
        "beneficiary": "STRUCT(reference VARCHAR)",
        "extension": f"{_EXTENSION}[]",
        "period": _PERIOD,
        "class": "STRUCT(value VARCHAR)[]",
    },
}
