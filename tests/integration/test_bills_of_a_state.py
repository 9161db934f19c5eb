"""A state that sends bills and BCDA exports gets the same lake and release as one that sends tables and archives.

The files are in the inbox folders that the guide names. Only provenance differs: names and rows of the sent files,
counts in their receipts, and hashes of those.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.execution import settle
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf import receipts
from hcip_pipeline.intake.hospital.ingest import HospitalTable, lake_path
from hcip_pipeline.periods import Quarter
from hcip_pipeline.release.reading import released_frame
from hcip_pipeline.synthetic.bcda_resources import Claim
from tests.bcda_exports import UPDATED, covered, lines, person, write_export
from tests.fee_schedule_claims import fee_schedule_claims
from tests.settled_home import APPROVED, CAPPED_BY_CLAIMS, PERIOD, QUARTERS, SettledHome, fill_inbox

pytestmark = pytest.mark.usefixtures("rendered_builds")

TABLES: tuple[HospitalTable, ...] = ("discharges", "charges")
PROVENANCE = ("source_file", "source_row")


def _claims() -> bytes:
    """The claims of the settled home, as FHIR."""
    frames = fee_schedule_claims((*CAPPED_BY_CLAIMS, PERIOD.year, APPROVED))
    found = []
    for table, part in (("cclf1", "A"), ("cclf5", "B")):
        for row in frames[table].iter_rows(named=True):
            day = row["clm_from_dt"]
            claim = Claim(row | {"clm_efctv_dt": day, "clm_idr_ld_dt": day}, part, "11", UPDATED, final=True)
            if part == "A":
                claim.set_provider(row["prvdr_oscar_num"])
                claim.set_payment(row["clm_pmt_amt"])
            else:
                place = claim.add_physician("rendering", row["clm_rndrg_prvdr_npi_num"])
                claim.add_info("CLM_CARR_PMT_DNL_CD", "CLM-CARR-PMT-DNL-CD", row["clm_carr_pmt_dnl_cd"])
                amounts = {
                    "CLM_LINE_CVRD_PD_AMT": row["clm_line_cvrd_pd_amt"],
                    "CLM_LINE_ALOWD_CHRG_AMT": row["clm_line_alowd_chrg_amt"],
                }
                claim.add_line(row | {"clm_line_srvc_unit_qty": "1"}, amounts, careTeamSequence=[place])
            found.append(claim.finish())
    return lines(*found)


@pytest.fixture(scope="module")
def billed(settled_home: SettledHome, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The state of ``settled_home`` as written by ``hcip synth --format x12``, with claims as an export; settled."""
    home = Home(tmp_path_factory.mktemp("bills"))
    settled_home.begin_history(home.root)
    fill_inbox(home, "x12")
    shutil.rmtree(home.inbox / "cms")
    files = {
        "Coverage.ndjson": lines(covered()),
        "Patient.ndjson": lines(person()),
        "ExplanationOfBenefit.ndjson": _claims(),
    }
    write_export(home.inbox / "cms" / "2025-05", files, transactionTime="2025-05-15T01:00:00.000Z")
    settle(home, PERIOD)
    return home


@pytest.mark.parametrize("quarter", QUARTERS)
def test_bills_and_tables_of_a_quarter_make_the_same_lake(
    settled_home: SettledHome, billed: Home, quarter: str
) -> None:
    for table in TABLES:
        parts = sorted(settled_home.home.lake_hospital(table, Quarter.parse(quarter)).glob("*.parquet"))
        assert parts
        for path in parts:
            ours, theirs = (
                pl.read_parquet(lake_path(home, table, Quarter.parse(quarter), path.stem))
                for home in (billed, settled_home.home)
            )
            assert ours.drop(PROVENANCE).equals(theirs.drop(PROVENANCE))
            assert set(ours["source_file"]) == {"bills.837"} and set(theirs["source_file"]) == {f"{table}.csv"}


def release_of(home: Home) -> dict[str, Path]:
    folder = home.releases / str(PERIOD) / "r1"
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


#: Files that may differ: findings of rules for bills, and the files that list or seal them.
_FINDINGS = (
    "quality/HCIP_STATE_data_quality_2025H1_r1.csv", "reports/210809/data_quality.csv",
    "reports/210813/data_quality.csv",
)  # fmt: skip
_OF_FINDINGS = (
    "audit/audit_report.html", "datapackage.json", "quality/HCIP_STATE_data_quality_2025H1_r1.parquet",
    "regulator/keep_this.txt", "reports/210809/data_quality.html", "reports/210813/data_quality.html",
)  # fmt: skip
#: Data that only an export has: CMS's tags of final claims, and the patient, with rows for each.
_TAGS = "audit/HCIP_STATE_claims_report_2025H1_r1"
_PATIENTS = (
    "committee/HCIP_210809_quality_measures_2025H1_r1", "quality/HCIP_STATE_care_transitions_2025H1_r1",
    "quality/HCIP_STATE_quality_scorecard_2025H1_r1",
)  # fmt: skip
_OF_PATIENTS = ("reports/210809/oversight.html", "reports/210809/oversight.xlsx")


def test_bills_and_tables_make_the_same_release(settled_home: SettledHome, billed: Home) -> None:
    by_tables, by_bills = release_of(settled_home.home), release_of(billed)

    def both(name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        tables, bills = (pl.read_csv(files[name], infer_schema=False) for files in (by_tables, by_bills))
        return tables, bills

    assert by_tables.keys() == by_bills.keys()
    different = {name for name, path in by_tables.items() if path.read_bytes() != by_bills[name].read_bytes()}
    of_exports = {f"{name}.{form}" for name in (_TAGS, *_PATIENTS) for form in ("csv", "parquet")}
    assert different == {*_FINDINGS, *_OF_FINDINGS, *of_exports, *_OF_PATIENTS}
    for name in _FINDINGS:
        tables, bills = both(name)
        assert bills.filter(~pl.col("rule").str.starts_with("B-")).equals(tables)
    tables, bills = both(f"{_TAGS}.csv")
    assert bills.drop("tagged_claims").equals(tables.drop("tagged_claims"))
    for name in _PATIENTS:
        tables, bills = both(f"{name}.csv")
        assert tables.join(bills, on=tables.columns, how="anti", nulls_equal=True).is_empty()
        assert tables.height < bills.height <= tables.height + 3


def test_an_inbox_with_only_exports_settles_to_the_same_cent(
    settled_home: SettledHome, billed: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _checked(billed.inbox / "cms" / "2025-05", capsys) == 0
    (receipt,) = receipts(billed)
    assert (receipt.shape, receipt.status) == ("BCDA v3", "accepted")
    ours, theirs = (
        released_frame(home.releases / str(PERIOD) / "r1", "incentives") for home in (billed, settled_home.home)
    )
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
    output = capsys.readouterr().out
    assert "BCDA v3" in output
    return code
