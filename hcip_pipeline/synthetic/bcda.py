"""CMS's monthly data for a synthetic state as BCDA exports: the same rows as CCLF, as FHIR resources.

Belongs here: which resources an export contains, and its manifest. Does not belong here: the format of a resource
(``bcda_resources``), the rows (``cclf_frames``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.synthetic.bcda_resources import Claim, Resource, Row, coverage, line_extension, patient

_SERVER = "https://api.bcda.cms.gov"
_FIRST_PATIENT = 10_000_000


class ExportWriter:
    """Writes exports one after the other: each includes the patients of its claims, even those who have died.

    An export since a date omits patients who were in the preceding full export.
    """

    def __init__(self) -> None:
        self._named: set[int] = set()

    def write(
        self, folder: Path, day: dt.date, frames: Mapping[str, pl.DataFrame], people: pl.DataFrame,
        final: Collection[str], *, hour: int = 1, since: bool = False,
    ) -> None:  # fmt: skip
        """Write one export.

        Args:
            folder: folder of its files.
            day, hour: time of its transaction.
            frames: rows of the CCLF tables.
            people: all beneficiaries as rows of CCLF8, with ``person``.
            final: ids of claims that CMS tags as final.
            since: the export contains only changes since the previous one.
        """
        folder.mkdir(parents=True, exist_ok=True)
        person_of = dict(people.select("bene_mbi_id", "person").iter_rows())
        named = {person_of[mbi] for mbi in frames["cclf8"]["bene_mbi_id"].unique()}
        needed = {person_of[mbi] for mbi in frames["cclf9"]["crnt_num"]}
        for table in ("cclf1", "cclf5", "cclf6", "cclf7"):
            needed |= {person_of[mbi] for mbi in frames[table]["bene_mbi_id"].unique()}
        named |= needed - self._named if since else needed
        self._named = named
        rows = people.filter(pl.col("person").is_in(sorted(named))).sort("person")
        updated = f"{day}T00:00:00.000Z"
        files: dict[str, Iterable[Resource]] = {
            "Coverage": _coverages(rows, updated),
            "Patient": _patients(rows, frames["cclf9"], updated),
            "ExplanationOfBenefit": _claims(frames, person_of, updated, final),
        }
        outputs = []
        for resource, resources in files.items():
            name = f"{resource}.ndjson"
            count = 0
            with (folder / name).open("w", encoding="utf-8", newline="\n") as target:
                for each in resources:
                    target.write(json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n")
                    count += 1
            if count:
                outputs.append({"type": resource, "url": f"{_SERVER}/data/{day:%y%m%d}{hour:02d}/{name}"})
            else:
                (folder / name).unlink()
        request = f"{_SERVER}/api/v3/Group/all/$export" + (f"?_since={day}T01:00:00.000Z" if since else "")
        manifest = {
            "transactionTime": f"{day}T{hour:02d}:00:00.000Z", "request": request, "requiresAccessToken": True,
            "output": outputs, "error": [], "JobID": int(f"{day:%y%m%d}{hour:02d}"),
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _id(person: int) -> str:
    return str(_FIRST_PATIENT + person)


def _patients(people: pl.DataFrame, changes: pl.DataFrame, updated: str) -> Iterator[Resource]:
    former: dict[str, list[Row]] = {}
    for change in changes.iter_rows(named=True):
        former.setdefault(change["crnt_num"], []).append(change)
    for row in people.iter_rows(named=True):
        yield patient(row, _id(row["person"]), former.get(row["bene_mbi_id"], ()), updated)


def _coverages(people: pl.DataFrame, updated: str) -> Iterator[Resource]:
    for row in people.iter_rows(named=True):
        yield coverage(row, _id(row["person"]), updated)


def _claims(
    frames: Mapping[str, pl.DataFrame], person_of: Mapping[str, int], updated: str, final: Collection[str]
) -> Iterator[Resource]:
    def begun(row: Row, part: str) -> Claim:
        who = _id(person_of[row["bene_mbi_id"]])
        return Claim(row, part, who, updated, final=row["cur_clm_uniq_id"] in final)

    lines, procedures, diagnoses = (_by_claim(frames[table]) for table in ("cclf2", "cclf3", "cclf4"))
    for row in frames["cclf1"].iter_rows(named=True):
        claim = begun(row, "A")
        number = row["cur_clm_uniq_id"]
        _institutional(claim, row, diagnoses.get(number, ()))
        for procedure in procedures.get(number, ()):
            claim.add_procedure(procedure)
        for line in lines.get(number, ()):
            claim.add_line(line, {"CLM_LINE_CVRD_PD_AMT": line["clm_line_cvrd_pd_amt"]})
        yield claim.finish()
    for table, part in (("cclf5", "B"), ("cclf6", "DME")):
        for _, found in groupby(frames[table].iter_rows(named=True), key=lambda row: row["cur_clm_uniq_id"]):
            of_claim = list(found)
            claim = begun(of_claim[0], part)
            _professional(claim, of_claim, part)
            yield claim.finish()
    for row in frames["cclf7"].iter_rows(named=True):
        claim = begun(row, "D")
        claim.add_physician("prescribing", row["clm_prsbng_prvdr_gnrc_id_num"])
        claim.set_days_of_supply(row["clm_line_days_suply_qty"])
        claim.add_prescription_line(row)
        yield claim.finish()


def _by_claim(rows: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["cur_clm_uniq_id"], []).append(row)
    return found


def _institutional(claim: Claim, row: Row, diagnoses: Iterable[Row]) -> None:
    claim.set_provider(row["clm_blg_prvdr_oscar_num"])
    claim.add_physician("attending", row["clm_atndg_prvdr_npi_num"])
    claim.add_physician("operating", row["clm_oprtg_prvdr_npi_num"])
    claim.set_admission(row["clm_from_dt"])
    claim.add_carin_info("discharge-status", ("BENE-PTNT-STUS-CD", row["bene_ptnt_stus_cd"]))
    claim.add_carin_info("admtype", ("CLM-ADMSN-TYPE-CD", row["clm_admsn_type_cd"]))
    facility, kind = row["clm_bill_fac_type_cd"], row["clm_bill_clsfctn_cd"]
    bill = f"{facility}{kind}"  # each code includes the preceding digits
    frequency = f"{bill}{row['clm_bill_freq_cd']}" if row["clm_bill_freq_cd"] else None
    claim.add_carin_info(
        "typeofbill", ("CLM-BILL-FAC-TYPE-CD", facility), ("CLM-BILL-CLSFCTN-CD", bill), ("CLM-BILL-FREQ-CD", frequency)
    )
    claim.add_info("CLM_MDCR_NPMT_RSN_CD", "CLM-MDCR-NPMT-RSN-CD", row["clm_mdcr_npmt_rsn_cd"])
    claim.add_diagnosis(row["prncpl_dgns_cd"], "principal")
    for diagnosis in diagnoses:
        claim.add_diagnosis(diagnosis["clm_dgns_cd"], "other", diagnosis["clm_poa_ind"])
    claim.set_payment(row["clm_pmt_amt"], row["clm_mdcr_instnl_tot_chrg_amt"])


def _professional(claim: Claim, lines: list[dict[str, Any]], part: str) -> None:
    first = lines[0]
    claim.add_info("CLM_CARR_PMT_DNL_CD", "CLM-CARR-PMT-DNL-CD", first["clm_carr_pmt_dnl_cd"])
    if part == "DME":
        claim.set_provider(None, first["clm_blg_prvdr_npi_num"])
    places: dict[str, int] = {}
    for line in lines:
        code = line["clm_line_dgns_cd"]
        if code and code not in places:
            places[code] = claim.add_diagnosis(code, "secondary" if places else "principal")
        more: dict[str, Any] = {}
        extension = line_extension("CLM-PRCSG-IND-CD", line["clm_prcsg_ind_cd"])
        if extension:
            more["extension"] = extension
        if part == "B" and (place := claim.add_physician("rendering", line["clm_rndrg_prvdr_npi_num"])):
            more["careTeamSequence"] = [place]
        if code:
            more["diagnosisSequence"] = [places[code]]
        claim.add_line(
            line,
            {
                "CLM_LINE_CVRD_PD_AMT": line["clm_line_cvrd_pd_amt"],
                "CLM_LINE_ALOWD_CHRG_AMT": line["clm_line_alowd_chrg_amt"],
            },
            **more,
        )
    claim.set_payment(sum(float(line["clm_line_cvrd_pd_amt"]) for line in lines))
