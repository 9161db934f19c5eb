"""A participant that has nothing but exports of BCDA, put where the guide says: it settles, to the same cent."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.execution import settle
from hcip_pipeline.home import Home
from hcip_pipeline.intake.cclf import receipts
from hcip_pipeline.release.reading import released_frame
from hcip_pipeline.synthetic.bcda_resources import Claim
from tests.bcda_exports import UPDATED, covered, lines, person, write_export
from tests.fee_schedule_claims import fee_schedule_claims
from tests.settled_home import APPROVED, CAPPED_BY_CLAIMS, PERIOD, SettledHome


def _claims() -> bytes:
    """The claims of the settled home, as FHIR."""
    frames = fee_schedule_claims((*CAPPED_BY_CLAIMS, PERIOD.year, APPROVED))
    found = []
    for table, part in (("cclf1", "A"), ("cclf5", "B")):
        for row in frames[table].iter_rows(named=True):
            day = row["clm_from_dt"]
            claim = Claim(row | {"clm_efctv_dt": day, "clm_idr_ld_dt": day}, part, "11", UPDATED, final=True)
            if part == "A":
                claim.provided_by(row["prvdr_oscar_num"])
                claim.paid(row["clm_pmt_amt"])
            else:
                place = claim.treated_by("rendering", row["clm_rndrg_prvdr_npi_num"])
                claim.inform("CLM_CARR_PMT_DNL_CD", "CLM-CARR-PMT-DNL-CD", row["clm_carr_pmt_dnl_cd"])
                amounts = {
                    "CLM_LINE_CVRD_PD_AMT": row["clm_line_cvrd_pd_amt"],
                    "CLM_LINE_ALOWD_CHRG_AMT": row["clm_line_alowd_chrg_amt"],
                }
                claim.charged(row | {"clm_line_srvc_unit_qty": "1"}, amounts, careTeamSequence=[place])
            found.append(claim.done())
    return lines(*found)


@pytest.mark.slow
def test_nothing_but_exports_settles_to_the_same_cent(
    settled_home: SettledHome, spoilable_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home = spoilable_home
    for folder in (home.inbox / "cms", home.lake / "cms"):
        shutil.rmtree(folder)
    files = {
        "Coverage.ndjson": lines(covered()),
        "Patient.ndjson": lines(person()),
        "ExplanationOfBenefit.ndjson": _claims(),
    }
    folder = write_export(home.inbox / "cms" / "2025-05", files, transactionTime="2025-05-15T01:00:00.000Z")
    assert _checked(folder, capsys) == 0
    release = settle(home, PERIOD)
    (receipt,) = receipts(home)
    assert (receipt.shape, receipt.status) == ("BCDA v3", "accepted")
    ours, theirs = (released_frame(each.folder, "incentives") for each in (release, settled_home.release))
    assert ours.equals(theirs)
    capped = ours.filter(pl.col("npi") == CAPPED_BY_CLAIMS[1])
    assert capped.height == 1


def _checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> int:
    try:
        cli.main(["check", str(folder)])
    except SystemExit as done:
        code = int(done.code or 0)
    else:
        code = 0
    stated = capsys.readouterr().out
    assert "BCDA v3" in stated
    return code
