"""From an empty folder to a first release by docs/first_release.md, for three hospitals outside Maryland."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
import pytest
import yaml

from hcip_pipeline import cli
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.release.reading import released_frame, releases_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rendered_builds")]

HOSPITALS = {"089001": "Alder Point Hospital", "089002": "Bramble Hill Medical Center", "089003": "Corrigan General"}
#: two at each hospital, by their NPIs
PHYSICIANS = {
    "089001": ("1000000012", "1000000020"),
    "089002": ("1000000038", "1000000046"),
    "089003": ("1000000053", "1000000061"),
}
QUARTERS = ("2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1", "2025Q2")
PERIOD = "2025H1"


def hcip(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run a command; returns its exit code and output."""
    code = 0
    try:
        cli.main(list(arguments))
    except SystemExit as done:
        code = int(done.code or 0)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_the_steps_of_the_guide_lead_to_a_first_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "coastal")
    at_home = ("--home", str(home.root))
    assert hcip(capsys, "init", str(home.root), "--region", "Coastal", "--base-year", "2024")[0] == 0

    code, output = hcip(capsys, "run", PERIOD, *at_home)  # too early: each message names the next thing to do
    assert code == 1 and "no hospital's data for 2025H1" in output and "Traceback" not in output

    fill_reference(home)
    for quarter in QUARTERS:
        for ccn in HOSPITALS:
            folder = write_submission(home.inbox / "hospital" / quarter / ccn, Quarter.parse(quarter), ccn)
            if quarter == "2025Q1":
                code, output = hcip(capsys, "check", str(folder))
                assert (code, "ACCEPTED" in output) == (0, True), output
    fill_program(home)

    code, output = hcip(capsys, "status", PERIOD, *at_home, "--on", "2025-10-01")
    assert code == 0 and "089002  2025Q1 in the inbox, 2025Q2 in the inbox" in output

    code, output = hcip(capsys, "run", PERIOD, *at_home)
    assert code == 0, output
    release = releases_of(home, PerformancePeriod(2025, 1))[-1]
    incentives = released_frame(release, "incentives")
    assert set(incentives["hospital_ccn"]) == set(HOSPITALS)
    assert set(incentives["status"]) == {"PAYABLE"} and incentives["final_incentive"].sum() > 0
    page = (release / "reports" / "index.html").read_text(encoding="utf-8")
    assert all(name in page for name in HOSPITALS.values()) and "SYNTHETIC" not in page

    rates = {rate["table"]: rate for rate in json.loads((release / "datapackage.json").read_text())["rates"]}
    assert {name: rate["is_default"] for name, rate in rates.items()} == {
        "cost_factors": False, "cost_index": True, "per_diem": True,
    }  # fmt: skip
    assert all(source["source"] for name in ("cost_index", "per_diem") for source in rates[name]["sources"])
    audit = (release / "audit" / "audit_report.html").read_text(encoding="utf-8")
    assert "A shipped default is in force for <code>per_diem</code>" in audit
    assert "A shipped default is in force for <code>cost_factors</code>" not in audit

    code, output = hcip(capsys, "verify", PERIOD, *at_home)
    assert code == 0, output
    code, output = hcip(capsys, "run", PERIOD, *at_home, "--json")
    assert code == 0 and json.loads(output)["is_new"] is False


def fill_reference(home: Home) -> None:
    """Write the region's hospitals and rates, and remove the tables it does not need, as the README there says."""
    folder = home.inbox / "reference"
    write(folder / "hospitals.csv", [{"ccn": ccn, "name": name, "acute": "Y"} for ccn, name in HOSPITALS.items()])
    rates = {"rate_center": "ALL", "markup": "1.30", "labor_market": "1.02", "ime": "0", "dsh": "0.01"}
    write(
        folder / "cost_factors.csv",
        [{"hospital_ccn": ccn, "rate_year": year} | rates for ccn in HOSPITALS for year in (2024, 2025)],
    )
    for name in ("networks", "excluded_individuals"):
        (folder / f"{name}.csv").unlink()


def write_submission(folder: Path, quarter: Quarter, ccn: str) -> Path:
    """Write fourteen stays for stroke, half of them for each physician, at a cost that falls from year to year."""
    folder.mkdir(parents=True)
    discharges, lines = [], []
    for n in range(14):
        npi = PHYSICIANS[ccn][n % 2]
        account, day = f"{quarter}-{n:02d}", quarter.start + dt.timedelta(days=5 * n)
        days = 4 + n % 3 - (quarter.year - 2024)
        room = 900 * days + 40 * int(npi[-2:]) - 300 * (quarter.year - 2024)
        discharges.append(
            {
                "hospital_ccn": ccn, "account_no": account, "patient_id": f"{ccn}{account}",
                "birth_date": "1950-04-01", "sex": "F", "zip_code": "19901", "admit_date": str(day),
                "discharge_date": str(day + dt.timedelta(days=days)), "nature_of_admission": "3",
                "source_of_admission": "01", "discharge_disposition": "01", "primary_payer": "01",
                "attending_npi": npi, "principal_diagnosis": "I639", "grouper_version": "42", "apr_drg": "045",
                "severity_of_illness": "2", "risk_of_mortality": "2", "total_charges": f"{room + 250}.00",
            }
        )  # fmt: skip
        for code, charge in (("0120", room), ("0250", 250)):
            lines.append(
                {"hospital_ccn": ccn, "account_no": account, "revenue_code": code, "service_date": str(day),
                 "units": "1", "charge": f"{charge}.00"}
            )  # fmt: skip
    write(folder / "discharges.csv", discharges, _templates(folder) / "discharges.csv")
    write(folder / "charges.csv", lines, _templates(folder) / "charges.csv")
    return folder


def _templates(folder: Path) -> Path:
    return folder.parents[3] / "templates" / "hospital"


def fill_program(home: Home) -> None:
    """Write protocols from the template, the certified list, and the results of each care partner."""
    for ccn, name in HOSPITALS.items():
        protocol = yaml.safe_load((home.root / "templates" / "protocol.yaml").read_text(encoding="utf-8"))
        protocol["hospital"] |= {"legal_name": name, "ccn": ccn}
        protocol["first_performance_period"] = PERIOD
        protocol["conditions_of_payment"] = [
            condition | {"level": "hospital"}
            for condition in protocol["conditions_of_payment"]
            if condition["id"] == "charts"
        ]
        protocol["conditions_of_payment"][0]["weight"] = 100
        file = home.inbox / "protocols" / ccn / "2025.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(yaml.safe_dump(protocol, sort_keys=False), encoding="utf-8")
    pairs = [{"hospital_ccn": ccn, "npi": npi} for ccn, npis in PHYSICIANS.items() for npi in npis]
    folder = home.inbox / "program" / PERIOD
    partner = {
        "name": "Ada Brook", "participation_start": "2024-12-01", "arrangement_signed": "2024-11-20",
        "screening_status": "cleared", "certified_on": "2024-11-25",
    }  # fmt: skip
    write(folder / "care_partners.csv", [pair | partner for pair in pairs])
    write(folder / "condition_results.csv", [pair | {"condition_id": "charts", "met": "Y"} for pair in pairs])
    activity = {"intervention_id": "follow_up_appointment", "activities": "9"}
    write(folder / "intervention_activity.csv", [pair | activity for pair in pairs])
    notice = {"calendar_year": "2025", "approved_amount": "90000.00", "notice_date": "2025-09-15"}
    write(folder / "pfs_cap_notices.csv", [pair | notice for pair in pairs])


def write(file: Path, rows: Iterable[Mapping[str, object]], header: Path | None = None) -> None:
    """Append rows below the header that ``hcip init`` has written."""
    names = next(csv.reader((header or file).read_text(encoding="utf-8").splitlines()))
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows(rows)


def test_the_npis_of_this_module_pass_their_check_digit() -> None:
    from hcip_pipeline.tables.contract_columns import npi_fails_check_digit

    npis = pl.DataFrame({"npi": [npi for pair in PHYSICIANS.values() for npi in pair]})
    assert npis.filter(npi_fails_check_digit(pl.col("npi"))).is_empty()
