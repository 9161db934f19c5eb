"""Small BCDA exports, valid or faulty, for the tests of their intake."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from hcip_pipeline.synthetic.bcda_resources import Claim, coverage, patient

UPDATED = "2025-04-15T00:00:00.000Z"
_PERSON = {
    "bene_mbi_id": "1EG4TE5MK73", "bene_last_name": "Doe", "bene_1st_name": "Ann", "bene_sex_cd": "2",
    "bene_dob": dt.date(1950, 2, 3), "bene_death_dt": None, "geo_zip_plc_name": "Baltimore", "geo_usps_state_cd": "MD",
    "geo_zip5_cd": "21201", "bene_mdcr_stus_cd": "10",
}  # fmt: skip


def person(identifier: str = "11", **changed: Any) -> dict[str, Any]:
    """A Patient."""
    return patient(_PERSON | changed, identifier, (), UPDATED)


def covered(identifier: str = "11") -> dict[str, Any]:
    """A Coverage."""
    return coverage(_PERSON, identifier, UPDATED)


def stay(
    number: str = "1000000000001", *, who: str = "11", adjustment: str = "0", paid: object = "1234.50"
) -> dict[str, Any]:
    """An inpatient claim with one line."""
    row = {
        "cur_clm_uniq_id": number, "clm_type_cd": "60", "clm_from_dt": dt.date(2025, 1, 3),
        "clm_thru_dt": dt.date(2025, 1, 9), "clm_efctv_dt": dt.date(2025, 2, 1), "clm_idr_ld_dt": dt.date(2025, 2, 5),
        "clm_adjsmt_type_cd": adjustment, "clm_cntl_num": "A1",
    }  # fmt: skip
    claim = Claim(row, "A", who, UPDATED, final=True)
    claim.set_provider("210001")
    claim.add_physician("attending", "1000000012")
    claim.add_diagnosis("I509", "principal")
    line = {
        "clm_line_num": 1, "clm_line_prod_rev_ctr_cd": "0120", "clm_line_from_dt": dt.date(2025, 1, 3),
        "clm_line_thru_dt": dt.date(2025, 1, 9), "clm_line_srvc_unit_qty": "1.0000",
    }  # fmt: skip
    claim.add_line(line, {"CLM_LINE_CVRD_PD_AMT": paid})
    claim.set_payment(paid, "2000.00")
    return claim.finish()


def lines(*resources: dict[str, Any]) -> bytes:
    """Resources as ndjson."""
    return "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in resources).encode()


def write_export(folder: Path, files: dict[str, bytes], **changed: Any) -> Path:
    """Write data files with a manifest that names them.

    Args:
        folder: created if it does not exist.
        files: name -> content, each named for its resource.
        changed: keys of the manifest; a key with the value None is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    server = "https://api.bcda.cms.gov"
    outputs = [(name.split(".")[0].split("_")[0], name.removesuffix(".gz")) for name in files]
    manifest = {
        "transactionTime": "2025-04-15T01:00:00.000Z",
        "request": f"{server}/api/v3/Group/all/$export",
        "requiresAccessToken": True,
        "output": [{"type": resource, "url": f"{server}/data/1/{name}"} for resource, name in outputs],
        "error": [],
        "JobID": 1,
    } | changed  # fmt: skip
    content = {key: value for key, value in manifest.items() if value is not None}
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def valid_export(**files: bytes) -> dict[str, bytes]:
    """The files of a valid export, with some replaced."""
    given = {
        "Coverage.ndjson": lines(covered()),
        "Patient.ndjson": lines(person()),
        "ExplanationOfBenefit.ndjson": lines(stay()),
    }
    return given | {f"{name}.ndjson": content for name, content in files.items()}
