"""The intake reads CMS's own sample resources of BCDA v3, one of every kind of claim, as CMS's dictionary says."""

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.bcda import make_mapping
from hcip_pipeline.intake.cclf import files_in_force
from hcip_pipeline.intake.claims.months import check_claims, ingest_claims
from tests.bcda_exports import lines, write_export

ROOT = Path(__file__).parents[2]
PLACES = [path / "shared" / "data" / "formats" for path in ROOT.parents]
DATA = next((path for path in PLACES if path.is_dir()), ROOT / "absent")
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="CMS's published resources are not next to the checkout")
DICTIONARY, CCLF = DATA / "bcda" / "bcda_v3_dictionary.csv.gz", DATA / "bcda" / "cclf_bcda_v3_mapping.csv.gz"
#: the claim of each kind, by its number in the export
KINDS = ("Inpatient", "SNF", "HHA", "Hospice", "Outpatient", "Carrier", "DME", "Pharmacy")
#: fields whose example in the dictionary is from another claim, or which are renumbered here
_OTHER_EXAMPLES = {
    "cur_clm_uniq_id", "clm_type_cd", "bene_mbi_id", "crnt_num", "dgns_prcdr_icd_ind", "fac_prvdr_npi_num",
    "clm_blg_prvdr_npi_num", "payto_prvdr_npi_num", "clm_line_thru_dt", "hcpcs_2_mdfr_cd",
    *(f"clm_dgns_{number}_cd" for number in range(2, 13)),
}  # fmt: skip
#: fields with an example but no value in the resources
_NOT_IN_RESOURCES = {
    "cclf6.clm_fed_type_srvc_cd", "cclf6.clm_prcsg_ind_cd", "cclf6.clm_prmry_pyr_cd", "cclf8.bene_dual_stus_cd",
}  # fmt: skip


def _resource(name: str) -> dict[str, Any]:
    return dict(json.loads((DATA / "bfd_v3" / f"{name}.json").read_text(encoding="utf-8")))


def _sample(kind: str) -> dict[str, Any]:
    claim = _resource("ExplanationOfBenefit" + ("" if kind == "Inpatient" else f"-{kind}"))
    claim["patient"] = {"reference": "Patient/123456789"}
    claim["identifier"][0]["value"] = str(KINDS.index(kind) + 1)
    return claim


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("samples"))
    files = {
        "Patient.ndjson": lines(_resource("Patient")),
        "Coverage.ndjson": lines(_resource("Coverage-FFS"), _resource("Coverage-FFS-PartB")),
        "ExplanationOfBenefit.ndjson": lines(
            *map(_sample, KINDS), _resource("ExplanationOfBenefit-MCS"), _resource("ExplanationOfBenefit-PriorAuth")
        ),
    }
    write_export(home.inbox / "cms" / "2025-04", files)
    (receipt,) = ingest_claims(home, "2025-04")
    assert receipt.accepted, receipt
    claims = receipt.resources[-1]
    assert (claims.lines, claims.read, claims.not_adjudicated) == (10, 8, 2)
    return home


def _dictionary() -> list[dict[str, str]]:
    with gzip.open(DICTIONARY, "rt", encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_table_of_elements_is_made_from_cms_files():
    stored = list(csv.DictReader(make_mapping.OUTPUT.open(encoding="utf-8")))
    with gzip.open(CCLF, "rt", encoding="utf-8-sig", newline="") as stream:
        assert make_mapping.mapping(_dictionary(), list(csv.DictReader(stream))) == stored


def test_the_dictionarys_examples_are_read_from_its_resources(home):
    """CMS's example of each field is among the values read from the resources."""
    tables = {table: pl.read_parquet(files_in_force(home, table)) for table in LAYOUTS}
    checked, missing, unread = 0, [], set()
    for row in _dictionary():
        example = row["example"].strip()
        for table, field in re.findall(r"'(cclf\w)\.(\w+)'", row["cclfMapping"].lower()):
            known = field in tables[table].columns and field not in _OTHER_EXAMPLES
            if not known or not example or example.startswith("{"):
                continue
            found = {_plain(value) for value in tables[table][field].drop_nulls().to_list()}
            if not found:
                unread.add(f"{table}.{field}")
            elif not found & {_plain(example), example[-1:]}:
                missing.append((table, field, example, sorted(found)[:3]))
            checked += 1
    assert checked > 100
    assert missing == []
    assert unread == _NOT_IN_RESOURCES


def _plain(value: object) -> str:
    text = str(value).replace(".", "") if re.fullmatch(r"[A-Z][0-9A-Z]+(\.[0-9A-Z]+)?", str(value)) else str(value)
    return f"{float(text):g}" if re.fullmatch(r"-?[0-9]+\.[0-9]+", text) else text


def test_every_table_has_rows_of_its_kinds_of_claim(home):
    parts = {
        "cclf1": 5, "cclf2": 20, "cclf3": 25, "cclf5": 4, "cclf6": 4, "cclf7": 1, "cclf8": 1, "cclf9": 1, "cclfa": 5,
        "cclfb": 4,
    }  # fmt: skip
    found = {table: pl.read_parquet(files_in_force(home, table)).height for table in parts}
    assert found == parts


def test_a_patient_with_a_former_number(home):
    (row,) = pl.read_parquet(files_in_force(home, "cclf9")).to_dicts()
    assert (row["crnt_num"], row["prvs_num"]) == ("ABB2BB0BB22", "AAA1AA0AA11")
    assert set(pl.read_parquet(files_in_force(home, "cclf1"))["bene_mbi_id"]) == {"ABB2BB0BB22"}
    (person,) = pl.read_parquet(files_in_force(home, "cclf8")).to_dicts()
    assert (person["bene_sex_cd"], person["bene_race_cd"], person["bene_mdcr_stus_cd"]) == ("2", "5", "31")
    assert str(person["bene_part_a_enrlmt_bgn_dt"]) == "2018-04-11"
    assert person["bene_zip_cd"] is None


def test_each_line_has_its_own_physician(home):
    found = pl.read_parquet(files_in_force(home, "cclf5")).sort("clm_line_num")
    assert found["clm_rndrg_prvdr_npi_num"].to_list() == ["1942945159", *["1952378861"] * 3]


def test_patients_of_version_1_are_refused(tmp_path):
    folder = write_export(tmp_path, {"Patient.ndjson": (DATA / "bcda" / "Patient.ndjson").read_bytes()})
    assert [receipt.rule for receipt in check_claims(folder)] == ["BCDA-VERSION"]
