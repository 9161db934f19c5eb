"""Create the table for reading BCDA v3 as CCLF, from two files of CMS.

    python -m hcip_pipeline.intake.bcda.make_mapping bcda_v3_dictionary.csv.gz cclf_bcda_v3_mapping.csv.gz

Both are published by CMS (CC0). The output is ``data/mapping.csv`` next to this module: one row per CCLF field with a
counterpart, with CMS's FHIR path and the same path as an element and a key that the intake understands. A path that no
rule matches stops the script, so nothing is left out silently. Paths that disagree with the published examples are in
``CORRECTIONS``, with the reason.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
from pathlib import Path

from hcip_pipeline.contracts.cms import LAYOUTS

OUTPUT = Path(__file__).parent / "data" / "mapping.csv"
COLUMNS = ("table", "field", "resource", "claim_types", "element", "key", "note", "cms_path")
#: a quoted text, which CMS writes with or without blanks around it
_Q = r"'([^']*)'"
#: (pattern of CMS's path without its resource, element, key as a template of the pattern's groups), first match counts
RULES: tuple[tuple[str, str, str], ...] = (
    (r"identifier\.where\(type\.coding\.system.*type\.coding\.code = 'uc' \)\.value", "claim_id", "uc"),
    (rf"identifier\.where\(system ?= ?{_Q}\)\.value", "identifier", r"\1"),
    (rf"identifier\.where\(system={_Q}\)\.period\.(start|end)", "identifier_period", r"\2"),
    (rf"type\.coding\.where\(system = {_Q}\)\.code", "type", r"\1"),
    (r"(billablePeriod\.start|billablePeriod\.end|created|payment\.amount\.value)", "field", r"\1"),
    (rf"contained\.where\(.*\)\.identifier\.where\(system={_Q}\)\.value", "provider", r"\1"),
    (rf"contained\.where\(.*\)\.identifier\.type\.where\(system={_Q}\)\.code", "provider_qualifier", r"\1"),
    (rf"supportingInfo\.where\(category.*code ?= ?{_Q}.*\)\.code\.coding\.where\(system={_Q}\)\.code",
     "info", r"\1;\2"),
    (rf"supportingInfo\.where\(category.*code ?= ?{_Q}.*\)\.timing(?:\.start)?", "info_date", r"\1"),
    (rf"supportingInfo\.where\(category.*code ?= ?{_Q}.*\)\.(?:code(?:\.coding\.code)?|value|valueQuantity\.value)",
     "info", r"\1;"),
    (rf"supportingInfo(?:\.where\(code\.coding\.system={_Q}\)\.code\.coding\.code)", "info_system", r"\1"),
    (rf"supportingInfo\.code\.coding\.where\(system={_Q}\)\.code", "info_system", r"\1"),
    (rf"careTeam\.where\(role\.coding\.where\(code ?= ?{_Q}\).*\)\.provider\.identifier\.type\.coding.*",
     "care_team_qualifier", r"\1"),
    (rf"careTeam\.where\(role\.coding\.where\(code ?= ?{_Q}\).*\)\.provider\.identifier.*value", "care_team", r"\1"),
    (rf"related\.where\(.*\)\.reference\.where\(system={_Q}\)\.value", "related", r"\1"),
    (rf"(total|adjudication)\.where\(.*code ?= ?{_Q}[^']*\)\.amount\.value", r"\1", r"\2"),
    (r"diagnosis\.diagnosis\.coding\.code", "diagnosis", "code"),
    (r"diagnosis\.diagnosis\.coding\.system", "diagnosis", "system"),
    (r"diagnosis\.type\.coding", "diagnosis", "type"),
    (r"diagnosis\.onAdmission\.coding", "diagnosis", "onAdmission"),
    (r"procedure\.procedure\.coding\.(code|system)", "procedure", r"\1"),
    (r"procedure\.date", "procedure", "date"),
    (r"item\.sequence", "item_field", "sequence"),
    (r"item\.quantity\.value", "item_field", "quantity"),
    (r"\(.*item\.quantity\|.*item\.detail\.quantity\)\.value", "drug", "quantity"),
    (rf"\(.*item\.productOrService.*\)\.where\(system = {_Q}\)\.code", "drug", r"\1"),
    (rf"item\.adjudication\.where\(.*code={_Q}[^']*\)\.amount\.value", "item_amount", r"\1"),
    (rf"item\.adjudication\.reason\.coding\.where\(system={_Q}\)\.code", "item_reason", r"\1"),
    (r"item\.serviced\.(start|end)", "item_date", r"\1"),
    (r"item\.serviced", "item_date", "start"),
    (r"item\.servicedDate", "item_date", "servicedDate"),
    (rf"item\.revenue\.coding\.where\(system={_Q}\)\.code", "item_revenue", r"\1"),
    (r"item\.productOrService\.where\(.*\)\.coding\.code", "item_service", "hcpcs"),
    (rf"item\.productOrService\.coding\.where\(system={_Q}\)\.code", "item_service", r"\1"),
    (rf"item\.location\.coding\.where\(system={_Q}\)\.code", "item_location", r"\1"),
    (r"item\.modifier\[([0-4])\]\.coding\.code", "item_modifier", r"\1"),
    (rf"item\.extension\.where\(url={_Q}\)\.value(?:\.code)?", "item_extension", r"\1"),
    (r"item\.select\(.*\)", "item_diagnosis", "code"),
    (rf"extension\.where\(url={_Q}\)\.value(?:\.code)?", "extension", r"\1"),
    (r"extension\.where\(url='[^']*us-core-ethnicity'.*\)\.extension\.valueCoding", "race", ""),
    (r"(birthDate|deceasedDateTime|name\.family|address\.city|address\.state|address\.postalCode)", "field", r"\1"),
    (r"name\.given\[([01])\]", "given_name", r"\1"),
    (r"period\.start", "period", "start"),
)  # fmt: skip
#: (table, field) -> (element, key, why): the path of the published examples, if it is not the published path
CORRECTIONS: dict[tuple[str, str], tuple[str, str, str]] = {
    ("cclf1", "oprtg_prvdr_npi_num"): (
        "care_team", "operating,otheroperating", "the examples hold the operating physician under the role operating"),
    ("cclf1", "clm_oprtg_prvdr_npi_num"): (
        "care_team", "operating,otheroperating", "the examples hold the operating physician under the role operating"),
    ("cclf1", "othr_prvdr_npi_num"): ("care_team", "otheroperating,supervisor", "two paths in one"),
    ("cclf1", "clm_othr_prvdr_npi_num"): ("care_team", "otheroperating,supervisor", "two paths in one"),
    ("cclf5", "rndrg_prvdr_npi_num"): (
        "item_care_team", "rendering", "a claim may name several; a line names its own by careTeamSequence"),
    ("cclf5", "clm_rndrg_prvdr_npi_num"): (
        "item_care_team", "rendering", "a claim may name several; a line names its own by careTeamSequence"),
    ("cclf5", "rndrg_prvdr_fips_st_cd"): (
        "item_info", "RNDRG_PRVDR_FIPS_ST_CD", "a claim may hold several; a line names its own by informationSequence"),
    ("cclf5", "clm_rndrg_prvdr_tax_num"): (
        "item_identifier", "https://bluebutton.cms.gov/fhir/StructureDefinition/CLM-PRVDR-TAX-NUM",
        "the value is an identifier"),
    ("cclf1", "prncpl_dgns_cd"): ("diagnosis", "principal", "by the type of the diagnosis"),
    ("cclf1", "admtg_dgns_cd"): ("diagnosis", "admitting", "by the type of the diagnosis"),
    ("cclf3", "clm_val_sqnc_num"): ("procedure", "sequence", "no path is published; the resource counts procedures"),
    ("cclf4", "clm_val_sqnc_num"): ("diagnosis", "sequence", "no path is published; the resource counts diagnoses"),
    ("cclf8", "bene_part_a_enrlmt_bgn_dt"): ("period", "Part A", "by the part that the coverage is of"),
    ("cclf8", "bene_part_b_enrlmt_bgn_dt"): ("period", "Part B", "by the part that the coverage is of"),
    ("cclf9", "crnt_num"): ("identifier", "current", "the number without an end"),
    ("cclf9", "prvs_num"): ("identifier", "previous", "a number with an end"),
    ("cclf9", "hicn_mbi_xref_ind"): ("constant", "M", "every number of a Patient resource is an MBI"),
    **{("cclf5", f"clm_dgns_{n}_cd"): ("diagnosis", str(n), "by place") for n in range(1, 13)},
    **{(table, f"clm_demo_{name}_num"): ("info_nth", f"CLM_BNFT_ENHNCMT_CD;{n}", "by place")
       for table in ("cclfa", "cclfb") for n, name in enumerate(("1st", "2nd", "3rd", "4th", "5th"))},
}  # fmt: skip


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _claim_types(dictionary: list[dict[str, str]]) -> dict[str, str]:
    """``CCLF1.CLM_TYPE_CD`` -> the kinds of claim that have it in CMS's dictionary."""
    found: dict[str, set[str]] = {}
    for row in dictionary:
        for name in re.findall(_Q, row["cclfMapping"]):
            found.setdefault(name, set()).update(re.findall(_Q, row["Coverage / Claim Type"]))
    return {name: "|".join(sorted(types)) for name, types in found.items()}


def _understood(path: str) -> tuple[str, str]:
    resource, _, below = path.lstrip("(").partition(".")
    below = path.split(".", 1)[1] if not path.startswith("(") else path
    for pattern, element, key in RULES:
        if match := re.fullmatch(pattern, below.split(" or ExplanationOfBenefit")[0].strip()):
            return match.expand(element), match.expand(key)
    raise SystemExit(f"no rule understands {resource}: {path}")


def mapping(dictionary: list[dict[str, str]], cclf: list[dict[str, str]]) -> list[dict[str, str]]:
    """The table's rows, in the order of the CCLF layout."""
    types = _claim_types(dictionary)
    paths = {}
    for row in cclf:
        paths[row["CCLF File"].lower(), row["File & Label name"].partition(".")[2].strip().lower()] = row
    found = []
    for table, layout in LAYOUTS.items():
        for field in layout.fields:
            row = paths.get((table, field.name), {})
            path = row.get("FHIR Path", "#N/A").strip()
            correction = CORRECTIONS.get((table, field.name))
            if path == "#N/A" and correction is None:
                continue
            element, key, note = correction or (*_understood(path), "")
            resource = path.lstrip("(").split(".")[0] if path != "#N/A" else _resource_of(table)
            name = f"{table.upper()}.{field.name.upper()}"
            values = (table, field.name, resource, types.get(name, ""), element, key, note, path.replace("#N/A", ""))
            found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def _resource_of(table: str) -> str:
    return "Patient" if table in ("cclf8", "cclf9") else "ExplanationOfBenefit"


def main() -> None:
    """Write the table."""
    dictionary, cclf = (_rows(Path(name)) for name in sys.argv[1:3])
    with OUTPUT.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(mapping(dictionary, cclf))


if __name__ == "__main__":
    main()
