"""One claim, beneficiary or coverage in the format of CMS's Beneficiary Claims Data API (FHIR R4, version 3).

Belongs here: the format of a resource. Does not belong here: which resources there are (``bcda``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
Resource = dict[str, Any]

_BLUEBUTTON = "https://bluebutton.cms.gov/fhir/CodeSystem"
_EXTENSION = "https://bluebutton.cms.gov/fhir/StructureDefinition"
_CARIN = "http://hl7.org/fhir/us/carin-bb"
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
_NPI = "http://hl7.org/fhir/sid/us-npi"
_MBI = "http://hl7.org/fhir/sid/us-mbi"
_V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
_SNOMED_SEX = {"1": "248153007", "2": "248152002"}
_GENDERS = {"1": "male", "2": "female"}
#: part of CCLF -> profile of the claim, and CMS's name for its kind
_KINDS = {
    "A": ("Inpatient-Institutional", "institutional", "INPATIENT"),
    "B": ("Professional-NonClinician", "professional", "CARRIER"),
    "DME": ("Professional-NonClinician", "professional", "DME"),
    "D": ("Pharmacy", "pharmacy", "PDE"),
}
_ADJUDICATION = {
    "CLM_LINE_CVRD_PD_AMT": "benefit",
    "CLM_LINE_ALOWD_CHRG_AMT": "eligible",
    "CLM_SBMT_CHRG_AMT": "submitted",
}
_COVERAGE_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/adjudication"


def _coding(system: str, code: object) -> Resource:
    return {"system": system, "code": str(code)}


def _concept(*codings: Resource) -> Resource:
    return {"coding": list(codings)}


def _bluebutton(system: str, code: object) -> Resource:
    return _coding(f"{_BLUEBUTTON}/{system}", code)


def _money(amount: object) -> Resource:
    return {"value": float(Decimal(str(amount))), "currency": "USD"}


def _adjudication(code: str, amount: object) -> Resource:
    category = [_coding(_CATEGORY, _ADJUDICATION[code])] if code in _ADJUDICATION else []
    return {"category": _concept(*category, _bluebutton("Adjudication", code)), "amount": _money(amount)}


def _profile(name: str) -> str:
    return f"{_CARIN}/StructureDefinition/C4BB-{name}|2.2.0"


def _day(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)


class Claim:
    """An ExplanationOfBenefit, built from rows of CCLF's tables.

    Args:
        row: its header, or the first of its lines.
        part: A, B, DME or D.
        patient: id of its Patient resource.
        updated: CMS's time stamp.
        final: whether CMS tags it as final.
    """

    def __init__(self, row: Row, part: str, patient: str, updated: str, *, final: bool) -> None:
        profile, kind, eob_type = _KINDS[part]
        self._row = row
        self._info: list[Resource] = []
        tags = [_bluebutton("System-Type", "DDPS" if part == "D" else "NationalClaimsHistory")]
        if part != "D":
            tags.append(_bluebutton("Final-Action", "FinalAction" if final else "NotFinalAction"))
        self.resource: Resource = {
            "resourceType": "ExplanationOfBenefit",
            "id": row["cur_clm_uniq_id"],
            "meta": {
                "lastUpdated": updated,
                "profile": [
                    _profile(f"ExplanationOfBenefit-{profile}"),
                    f"{_EXTENSION}/CMS-ExplanationOfBenefit-{profile}",
                ],
                "tag": tags,
            },
            "contained": [{"resourceType": "Organization", "id": "insurer-org", "active": True,
                           "name": "Centers for Medicare & Medicaid Services"}],
            "identifier": [{"type": _concept(_coding(f"{_CARIN}/CodeSystem/C4BBIdentifierType", "uc")),
                            "value": row["cur_clm_uniq_id"]}],
            "status": "active",
            "type": _concept(
                _coding("http://terminology.hl7.org/CodeSystem/claim-type", kind),
                _bluebutton("CLM-TYPE-CD", row["clm_type_cd"]),
                _bluebutton("EOB-TYPE", eob_type),
            ),
            "use": "claim",
            "patient": {"reference": f"Patient/{patient}"},
            "created": _day(row["clm_efctv_dt"]),
            "insurer": {"reference": "#insurer-org"},
            "provider": {"display": "not stated"},
            "outcome": "complete",
            "insurance": [{"focal": True, "coverage": {"display": f"Part {'B' if part == 'DME' else part}"}}],
        }  # fmt: skip
        if row.get("clm_cntl_num"):
            self.resource["identifier"].append(
                {"system": "https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM", "value": row["clm_cntl_num"]}
            )
        start, end = (
            _day(row[name] if name in row else row["clm_line_from_dt"]) for name in ("clm_from_dt", "clm_thru_dt")
        )
        self.resource["billablePeriod"] = {"start": start, "end": end}
        self.add_info("CLM_ADJSTMT_TYPE_CD", "CLM-ADJSTMT-TYPE-CD", row["clm_adjsmt_type_cd"])
        self._add_info("CLM_IDR_LD_DT", {"timingDate": _day(row["clm_idr_ld_dt"])})

    def add_info(self, code: str, system: str, value: object) -> None:
        """Add a piece of supporting information with a CMS code, unless it has no value."""
        if value not in (None, ""):
            self._add_info(code, {"code": _concept(_bluebutton(system, value))})

    def add_carin_info(self, code: str, *codings: tuple[str, object]) -> None:
        """Add a piece of supporting information with a code of the CARIN guide, unless it has no value."""
        found = [_bluebutton(system, value) for system, value in codings if value not in (None, "")]
        if found:
            category = _concept(_coding(f"{_CARIN}/CodeSystem/C4BBSupportingInfoType", code))
            self._info.append({"sequence": len(self._info) + 1, "category": category, "code": _concept(*found)})

    def _add_info(self, code: str, value: Resource) -> None:
        category = _concept(
            _coding("http://terminology.hl7.org/CodeSystem/claiminformationcategory", "info"),
            _bluebutton("Supporting-Information", code),
        )
        self._info.append({"sequence": len(self._info) + 1, "category": category, **value})

    def set_admission(self, day: object) -> None:
        """Set the day of admission."""
        category = _concept(_coding(f"{_CARIN}/CodeSystem/C4BBSupportingInfoType", "admissionperiod"))
        self._info.append({"sequence": len(self._info) + 1, "category": category, "timingPeriod": {"start": _day(day)}})

    def set_days_of_supply(self, days: int) -> None:
        """Set the days of supply of a prescription."""
        category = _concept(_coding(f"{_CARIN}/CodeSystem/C4BBSupportingInfoType", "dayssupply"))
        value = {"value": days, "unit": "days"}
        self._info.append({"sequence": len(self._info) + 1, "category": category, "valueQuantity": value})

    def set_provider(self, ccn: object, npi: object = None) -> None:
        """Set the provider that was paid."""
        identifiers = []
        if npi:
            identifiers.append({"type": _concept(_coding(_V2, "NPI")), "system": _NPI, "value": str(npi)})
        if ccn:
            identifiers.append({"system": "http://terminology.hl7.org/NamingSystem/CCN", "value": str(ccn)})
        organization = {"resourceType": "Organization", "id": "provider-org", "identifier": identifiers, "active": True}
        self.resource["contained"].append(organization)
        self.resource["provider"] = {"reference": "#provider-org"}

    def add_physician(self, role: str, npi: object) -> int:
        """Add a physician; returns the place in the care team, 0 for none."""
        if npi in (None, ""):
            return 0
        team = self.resource.setdefault("careTeam", [])
        for member in team:
            if member["role"]["coding"][0]["code"] == role and member["provider"]["identifier"]["value"] == npi:
                return int(member["sequence"])
        identifier = {"type": _concept(_coding(_V2, "NPI")), "system": _NPI, "value": str(npi)}
        roles = (
            f"{_CARIN}/CodeSystem/C4BBClaimCareTeamRole",
            "http://terminology.hl7.org/CodeSystem/claimcareteamrole",
        )
        team.append({
            "sequence": len(team) + 1, "provider": {"type": "Practitioner", "identifier": identifier},
            "role": _concept(*(_coding(system, role) for system in reversed(roles))),
        })  # fmt: skip
        return len(team)

    def add_diagnosis(self, code: object, kind: str, on_admission: str = "") -> int:
        """Add a diagnosis, written with a decimal point; returns its place, 0 for none."""
        if code in (None, ""):
            return 0
        diagnoses = self.resource.setdefault("diagnosis", [])
        text = str(code)
        pointed = f"{text[:3]}.{text[3:]}" if len(text) > 3 else text
        system = (
            "http://terminology.hl7.org/CodeSystem/ex-diagnosistype" if kind == "principal"
            else f"{_CARIN}/CodeSystem/C4BBClaimDiagnosisType"
        )  # fmt: skip
        entry: Resource = {
            "sequence": len(diagnoses) + 1,
            "diagnosisCodeableConcept": _concept(_coding("http://hl7.org/fhir/sid/icd-10-cm", pointed)),
            "type": [_concept(_coding(system, kind))],
        }
        if on_admission:
            place = "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding"
            entry["onAdmission"] = _concept(_coding(place, on_admission))
        diagnoses.append(entry)
        return len(diagnoses)

    def add_procedure(self, row: Row) -> None:
        """Add a procedure."""
        procedures = self.resource.setdefault("procedure", [])
        code = _coding("http://www.cms.gov/Medicare/Coding/ICD10", row["clm_prcdr_cd"])
        entry = {"sequence": len(procedures) + 1, "procedureCodeableConcept": _concept(code)}
        if row["clm_prcdr_prfrm_dt"]:
            entry["date"] = _day(row["clm_prcdr_prfrm_dt"])
        procedures.append(entry)

    def add_line(self, row: Row, amounts: Mapping[str, object], **more: object) -> None:
        """Add a line with its amounts."""
        hcpcs = row.get("clm_line_hcpcs_cd")
        service = (
            _coding("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", hcpcs) if hcpcs
            else _coding("http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-applicable")
        )  # fmt: skip
        item: Resource = {"sequence": int(row["clm_line_num"]), **more, "productOrService": _concept(service)}
        if revenue := row.get("clm_line_prod_rev_ctr_cd"):
            item["revenue"] = _concept(_bluebutton("CLM-REV-CNTR-CD", revenue))
            item["servicedPeriod"] = {"start": _day(row["clm_line_from_dt"]), "end": _day(row["clm_line_thru_dt"])}
        else:
            item["servicedDate"] = _day(row["clm_line_from_dt"])
        item["quantity"] = (
            {"value": float(row["clm_line_srvc_unit_qty"])} if row.get("clm_line_srvc_unit_qty") else {"value": 1.0}
        )
        item["adjudication"] = [_adjudication(code, amount) for code, amount in amounts.items()]
        self.resource.setdefault("item", []).append(item)

    def add_prescription_line(self, row: Row) -> None:
        """Add the one line of a prescription."""
        self.resource["item"] = [{
            "sequence": 1, "productOrService": _concept(_coding("http://hl7.org/fhir/sid/ndc", row["clm_line_ndc_cd"])),
            "servicedDate": _day(row["clm_line_from_dt"]), "quantity": {"value": float(row["clm_line_srvc_unit_qty"])},
            "adjudication": [_adjudication("CLM_LINE_BENE_PMT_AMT", row["clm_line_bene_pmt_amt"])],
        }]  # fmt: skip

    def set_payment(self, amount: object, charges: object = None) -> None:
        """Set the claim's payment and charges."""
        self.resource["payment"] = {"amount": _money(amount)}
        if charges is not None:
            self.resource["total"] = [_adjudication("CLM_SBMT_CHRG_AMT", charges)]

    def finish(self) -> Resource:
        """Return the finished resource."""
        self.resource["supportingInfo"] = self._info
        return self.resource


def line_extension(name: str, code: object) -> list[Resource]:
    """CMS's extension of a line; empty without a code."""
    if code in (None, ""):
        return []
    return [{"url": f"{_EXTENSION}/{name}", "valueCoding": _bluebutton(name, code)}]


def patient(row: Row, identifier: str, former: Sequence[Row], updated: str) -> Resource:
    """A Patient with the current number and the earlier ones.

    Args:
        row: a row of CCLF8.
        identifier: id of the resource.
        former: rows of CCLF9 with the current number.
        updated: CMS's time stamp.
    """
    numbers = [
        {"start": _day(old["prvs_id_efctv_dt"]), "end": _day(old["prvs_id_obslt_dt"]), "value": old["prvs_num"]}
        for old in former
    ]
    numbers.append({"start": numbers[-1]["end"] if numbers else "2018-01-01", "value": row["bene_mbi_id"]})
    found: Resource = {
        "resourceType": "Patient",
        "id": identifier,
        "meta": {"lastUpdated": updated, "profile": [_profile("Patient"), f"{_US_CORE}/us-core-patient|7.0.0"]},
        "identifier": [
            {
                "type": _concept(_coding(_V2, "MB")),
                "system": _MBI,
                "value": number["value"],
                "period": {key: number[key] for key in ("start", "end") if key in number},
            }
            for number in numbers
        ],
        "name": [{"family": row["bene_last_name"], "given": [row["bene_1st_name"]]}],
        "gender": _GENDERS.get(row["bene_sex_cd"], "unknown"),
        "birthDate": _day(row["bene_dob"]),
        "address": [
            {"city": row["geo_zip_plc_name"], "state": row["geo_usps_state_cd"], "postalCode": row["geo_zip5_cd"]}
        ],
    }
    if row["bene_sex_cd"] in _SNOMED_SEX:
        found["extension"] = [{"url": f"{_US_CORE}/us-core-sex", "valueCode": _SNOMED_SEX[row["bene_sex_cd"]]}]
    if row["bene_death_dt"] is not None:
        found["deceasedDateTime"] = _day(row["bene_death_dt"])
    return found


def coverage(row: Row, identifier: str, updated: str) -> Resource:
    """A beneficiary's Part A coverage, from a row of CCLF8."""
    return {
        "resourceType": "Coverage",
        "id": f"part-A-{identifier}",
        "meta": {"lastUpdated": updated, "profile": [_profile("Coverage"), f"{_US_CORE}/us-core-coverage|7.0.0"]},
        "extension": [
            {
                "url": f"{_EXTENSION}/BENE-MDCR-STUS-CD",
                "valueCoding": _bluebutton("BENE-MDCR-STUS-CD", row["bene_mdcr_stus_cd"]),
            }
        ],
        "status": "active",
        "type": _concept(_coding("https://nahdo.org/sopt", "1")),
        "subscriberId": row["bene_mbi_id"],
        "beneficiary": {"reference": f"Patient/{identifier}"},
        "payor": [{"display": "Centers for Medicare & Medicaid Services"}],
        "class": [
            {
                "type": _concept(_coding("http://terminology.hl7.org/CodeSystem/coverage-class", "plan")),
                "value": "Part A",
            }
        ],
    }
