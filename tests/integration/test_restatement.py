"""A half-year restated for every cause at once by `hcip run`: the effect of each, and the original release."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.audit.findings import finding_tables
from hcip_pipeline.audit.payments import prior_period_adjustments
from hcip_pipeline.audit.report import audit_report
from hcip_pipeline.contracts.audit import PAYMENT_RECONCILIATION
from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.screening import ATTENDING_SCREENING
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.publishing.reproduction import Reproduction, reproduce
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.manifest import manifest_sha256
from hcip_pipeline.release.reading import ReleaseFiles, released_frame
from hcip_pipeline.release.verification import verify_release
from hcip_pipeline.settlement.kept_sources import kept_file, recall
from tests.html_tables import Page
from tests.restated_home import RestatedHome, build_restated_home
from tests.settled_home import PERIOD, SettledHome, digest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rendered_builds")]

D = Decimal
NEXT = PERIOD.next()
CAUSES = {"discharges", "cms_adjustments", "reference_rates", "policy", "attribution", "program_files"}


@pytest.fixture(scope="module")
def restated(settled_home: SettledHome, tmp_path_factory: pytest.TempPathFactory) -> RestatedHome:
    folder = tmp_path_factory.mktemp("restated") / "home"
    build_restated_home(settled_home, folder)
    return RestatedHome.load(folder)


def payable(folder: Path) -> dict[tuple[str, str], Decimal]:
    rows = released_frame(folder, "incentives").iter_rows(named=True)
    return {
        (row["hospital_ccn"], row["npi"]): row["final_incentive"] if row["status"] == "PAYABLE" else D(0)
        for row in rows
    }


def difference(restated: RestatedHome) -> dict[tuple[str, str], Decimal]:
    """Differences in payable amounts between the two releases, without zeros."""
    were, are = payable(restated.first.folder), payable(restated.second.folder)
    differences = {payment: are.get(payment, D(0)) - were.get(payment, D(0)) for payment in were.keys() | are.keys()}
    return {payment: amount for payment, amount in differences.items() if amount}


def test_causes_add_up_to_the_difference_to_the_cent(restated: RestatedHome) -> None:
    assert (restated.first.name, restated.second.name, restated.second.is_new) == ("r1", "r2", True)
    rows = released_frame(restated.second.folder, "restatement")
    assert set(rows["cause"]) == CAUSES
    sums = {
        (ccn, npi): amount
        for ccn, npi, amount in rows.group_by("hospital_ccn", "npi").agg(pl.col("payable_difference").sum()).iter_rows()
        if amount
    }
    assert sums == difference(restated)


@pytest.mark.parametrize("cause", sorted(CAUSES))
def test_each_planted_change_moves_its_payment(restated: RestatedHome, cause: str) -> None:
    ccn, npi = restated.planted[cause]
    rows = released_frame(restated.second.folder, "restatement").filter(hospital_ccn=ccn, npi=npi, cause=cause)
    assert rows.height == 1 and rows["payable_difference"].item() != 0


def test_an_adjustment_by_cms_raises_the_cap_by_a_quarter_of_itself(restated: RestatedHome) -> None:
    """Claims approved 300.00, then 380.00 after CMS replaced the line; the payment was at its cap."""
    ccn, npi = restated.planted["cms_adjustments"]
    was, now = (
        released_frame(release.folder, "incentives").filter(hospital_ccn=ccn, npi=npi).row(0, named=True)
        for release in (restated.first, restated.second)
    )
    assert (was["pfs_cap_amount"], was["final_incentive"]) == (D("75.00"), D("75.00"))
    assert now["pfs_cap_amount"] == D("95.00")
    rows = released_frame(restated.second.folder, "restatement").filter(cause="cms_adjustments")
    assert rows.select("npi", "payable_difference").rows() == [(npi, D("20.00"))]


def test_a_case_with_another_responsible_physician_moves_between_payments(restated: RestatedHome) -> None:
    rows = released_frame(restated.second.folder, "restatement").filter(cause="attribution")
    assert rows.height == 2
    lost, gained = restated.planted["attribution"][1], restated.planted["discharges"][1]
    assert set(rows["npi"]) == {lost, gained}


def test_the_first_release_is_unchanged(settled_home: SettledHome, restated: RestatedHome) -> None:
    """Late data of the base year do not change its frozen norms either."""

    def files(folder: Path) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }

    assert files(restated.first.folder) == files(settled_home.release.folder)
    for table in ("norms", "norm_cases"):
        assert released_frame(restated.second.folder, table).equals(released_frame(restated.first.folder, table))
    assert any(line.startswith("base year 2024: 2 files came after") for line in restated.messages), restated.messages


def test_both_releases_verify(restated: RestatedHome) -> None:
    for release in (restated.first, restated.second):
        report = verify_release(release.folder)
        assert report.ok, report.text()
    assert report.tallies["restatement"].figures > 0


def test_a_forged_cause_is_found(restated: RestatedHome, tmp_path: Path) -> None:
    """A cent moved between causes, with every hash recomputed, still contradicts the payments."""
    shutil.copytree(restated.home.releases, tmp_path / "releases")
    folder = tmp_path / "releases" / str(PERIOD) / "r2"
    file = next((folder / "audit").glob("HCIP_STATE_restatement_*.csv"))
    header, first, *rest = file.read_bytes().decode().split("\r\n")
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    cells["payable_difference"] = str(D(cells["payable_difference"]) + D("0.01"))
    file.write_text("\r\n".join([header, ",".join(cells.values()), *rest]), newline="")
    manifest = json.loads((folder / "datapackage.json").read_text())
    entry = next(each for each in manifest["resources"] if each["path"].endswith(file.name))
    entry["hash"] = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    (folder / "datapackage.json").write_text(json.dumps(manifest))
    assert verify_release(folder).tallies["restatement"].differences == 1


@pytest.fixture
def next_draft(restated: RestatedHome, tmp_path: Path) -> Iterator[Draft]:
    """A draft of the next half-year for its audit, with the restated half-year's tables."""
    second = restated.second.folder
    inputs = [{"file": f"releases/{PERIOD}/r2/datapackage.json", "sha256": manifest_sha256(second), "rows": 1}]
    files = ReleaseFiles(tmp_path / str(NEXT) / "r1", NEXT, 1)
    for path in second.rglob("*.parquet"):
        name = path.relative_to(second).as_posix().replace(f"{PERIOD}_r2", files.name)
        (files.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, files.folder / name)

    def lake(name: str) -> pl.DataFrame:
        path = restated.home.lake_program(PERIOD) / f"{name}.parquet"
        schema = LAKE_SOURCES[name].schema
        return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=schema)

    def marts(name: str) -> pl.DataFrame:  # nobody was screened
        assert name == ATTENDING_SCREENING.name
        return pl.DataFrame(schema=ATTENDING_SCREENING.schema)

    policy = load_policy(restated.home.policy)
    hospitals = tuple(files.hospitals)
    yield Draft(restated.home, NEXT, 1, policy, files, hospitals, tuple(inputs), lake=lake, marts=marts)


def test_the_next_periods_audit_report_carries_the_adjustment(restated: RestatedHome, next_draft: Draft) -> None:
    audit = next_draft.files.folder / "audit"
    adjusted = prior_period_adjustments(next_draft)
    adjusted.write_parquet(audit / f"HCIP_STATE_prior_period_adjustments_{next_draft.name}.parquet")
    (findings,) = finding_tables(next_draft)
    findings.frame.write_parquet(audit / f"HCIP_STATE_audit_findings_{next_draft.name}.parquet")
    own = findings.frame.filter(rule="PRIOR_PERIOD_ADJUSTMENT")
    owed = difference(restated)
    assert {(ccn, npi): amount for ccn, npi, amount in own.select("hospital_ccn", "npi", "amount").iter_rows()} == {
        payment: abs(amount) for payment, amount in owed.items()
    }
    of_cms = own.filter(npi=restated.planted["cms_adjustments"][1])["finding"].item()
    assert str(PERIOD) in of_cms and "cms adjustments" in of_cms
    (page,) = audit_report(next_draft)
    shown = Page(page.content.decode()).table("Period", "Hospital", "Care partner", "Causes", "Adjustment")
    assert {(hospital.split()[-1], partner.split()[-1]) for _, hospital, partner, *_ in shown} == set(owed)


def test_an_adjustment_is_no_finding_once_the_restated_amount_was_paid(
    restated: RestatedHome, next_draft: Draft
) -> None:
    owed = difference(restated)
    (ccn, npi), *others = owed
    amount = D("10.00")
    row = (str(NEXT), str(PERIOD), "r2", ccn, npi, "PAYABLE", amount, amount, 1, D(0), "AS_RELEASED")
    paid = pl.DataFrame([row], schema=PAYMENT_RECONCILIATION.schema, orient="row")
    tables = {"payment_reconciliation": paid, "prior_period_adjustments": prior_period_adjustments(next_draft)}
    for name, frame in tables.items():
        frame.write_parquet(next_draft.files.folder / "audit" / f"HCIP_STATE_{name}_{next_draft.name}.parquet")
    (findings,) = finding_tables(replace(next_draft, files=ReleaseFiles(next_draft.files.folder, NEXT, 1)))
    own = findings.frame.filter(rule="PRIOR_PERIOD_ADJUSTMENT")
    assert set(own.select("hospital_ccn", "npi").iter_rows()) == set(others) != set()


def test_the_next_period_recommends_the_adjustment_once(restated: RestatedHome, next_draft: Draft) -> None:
    adjusted = prior_period_adjustments(next_draft)
    reported = adjusted.group_by("hospital_ccn", "npi").agg(pl.col("adjustment_amount").sum())
    assert {(ccn, npi): amount for ccn, npi, amount in reported.iter_rows() if amount} == difference(restated)
    assert set(adjusted["restated_release"]) == {"r2"}

    # After a release of the next period has recommended it, the following period does not.
    corrected = restated.home.releases / str(NEXT) / "r1"
    (corrected / "audit").mkdir(parents=True)
    adjusted.write_parquet(corrected / "audit" / f"HCIP_STATE_prior_period_adjustments_{NEXT}_r1.parquet")
    (corrected / "datapackage.json").write_text("{}")
    try:
        again = [*next_draft.inputs, {"file": f"releases/{NEXT}/r1/datapackage.json", "sha256": "", "rows": 1}]
        later = replace(next_draft, period=NEXT.next(), inputs=tuple(again))
        assert prior_period_adjustments(later).height == 0
    finally:
        shutil.rmtree(corrected.parent)


def test_an_earlier_release_can_be_reproduced(
    restated: RestatedHome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder equals the released one, manifest included, although everything has changed since."""
    home, kept = str(restated.home.root), tmp_path / "again" / "r1"
    with pytest.raises(SystemExit) as stopped:
        cli.main(["reproduce", str(PERIOD), "--home", home, "--release", "1", "--to", str(kept), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert (stopped.value.code, result["differing"], result["same_program"]) == (0, [], True)
    assert result["files"] == len(ReleaseFiles.at(restated.first.folder).manifest["resources"])
    assert digest(kept) == digest(restated.first.folder)
    assert not list((restated.home.releases / str(PERIOD)).glob(".again*"))

    for arguments, why in (
        ([str(PERIOD), "--to", str(kept)], "the folder exists already"),
        (["2026H1"], "has no release"),
        ([str(PERIOD), "--release", "7"], "not a release"),
    ):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["reproduce", *arguments, "--home", home])
        assert stopped.value.code == 1 and why in capsys.readouterr().err


def test_differing_files_are_named() -> None:
    paths = tuple(f"audit/{number}.csv" for number in range(12))
    reported = "\n".join(Reproduction("2025H1_r1", 40, paths, same_program=False).lines())
    assert (
        "12 of 40 files" in reported
        and "audit/0.csv" in reported
        and "and 2 more" in reported
        and "code_version" in reported
    )


def test_a_lost_or_changed_source_of_a_release_is_an_error(restated: RestatedHome, tmp_path: Path) -> None:
    home = Home(tmp_path)
    shutil.copytree(restated.home.root / "lake", home.lake)
    shutil.copytree(restated.home.releases, home.releases)
    known = recall(home, PERIOD, 1)
    assert known is not None
    kept_file(home, known.sources["discharges"][0]).unlink()
    shutil.rmtree(home.lake / "hospital")  # neither lake nor inbox can restore it
    with pytest.raises(HcipError) as gone:
        reproduce(home, PERIOD, 1)
    assert gone.value.rule == "LAKE-AS-OF-THEN"


def test_diff_shows_what_changed_and_why(
    restated: RestatedHome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = str(restated.first.folder), str(restated.second.folder)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["diff", before, after, "--json"])
    assert not stopped.value.code
    result = json.loads(capsys.readouterr().out)
    assert result["adds_up"] is True
    total = sum(difference(restated).values())
    assert sum(map(D, result["causes"].values())) == D(result["difference"]) == total
    assert set(result["causes"]) == CAUSES and all(D(amount) for amount in result["causes"].values())

    with pytest.raises(SystemExit):
        cli.main(["diff", before, after])
    text = capsys.readouterr().out
    assert f"{PERIOD}: r1 → r2" in text and "cms adjustments" in text
    for name, column in (("calculated", "calculated_incentive"), ("final", "final_incentive")):
        were, are = (
            dict(released_frame(release.folder, "incentives").select("npi", column).iter_rows())
            for release in (restated.first, restated.second)
        )
        figure = result["figures"][name]
        assert figure["changed"] == sum(were.get(npi) != are.get(npi) for npi in were.keys() | are.keys())
        assert D(figure["difference"]) == sum(are.values()) - sum(were.values())
    assert result["figures"]["payable"]["changed"] == len(difference(restated))
    assert len(result["savings"]) > 0 and "internal savings" in text
    with pytest.raises(SystemExit):
        cli.main(["diff", after, after])
    assert "no payment and no savings changed" in capsys.readouterr().out
    other = tmp_path / str(NEXT) / "r1"
    shutil.copytree(restated.first.folder, other)
    for wrong in ([after, before], [before, str(other)]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["diff", *wrong])
        assert stopped.value.code == 2
