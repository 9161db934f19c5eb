"""A half-year restated for every cause at once, in real builds: what each changed, and how it was before."""
# ruff: noqa: F811 - pytest takes fixtures by the names of arguments

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.audit.payments import prior_period_adjustments
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.intake.atomic_files import write_json
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile, load_policy
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.manifest import manifest_sha256
from hcip_pipeline.release.reading import ReleaseFiles, released_frame
from hcip_pipeline.release.verification import verify_release
from hcip_pipeline.release.writer import Release, write_release
from hcip_pipeline.settlement.as_of import kept_file, recall, remembered
from hcip_pipeline.settlement.period import elections_in_force
from hcip_pipeline.settlement.reproduction import Reproduction, reproduce
from hcip_pipeline.settlement.restatement import restatement
from hcip_pipeline.warehouse.build import build
from hcip_pipeline.warehouse.spec import BuildSpec
from tests import released_state
from tests.released_state import PERIOD, A, B, State, unreleased  # noqa: F401 - a fixture
from tests.scenario import Scenario, charge_lines, discharges, npi
from tests.settled_home import digest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("restated")]

D = Decimal
NEXT = PerformancePeriod(2026, 1)


@dataclass(frozen=True)
class Restated:
    home: Home
    first: Release
    second: Release


def _stored(frames: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Discharges and charges as files, as the lake has them."""
    folder.mkdir(parents=True)
    sources = dict(frames)
    for name in ("discharges", "charges"):
        frames[name].write_parquet(folder / f"{name}.parquet")
        sources[name] = [folder / f"{name}.parquet"]
    return sources


def _spec(of: State, sources: Mapping[str, Any], policy: PolicyFile) -> BuildSpec:
    elections = elections_in_force(sources["hospitals"], sources["protocols"], policy.policy)
    return replace(of.spec, sources=sources, policy=policy.policy, elections=elections)


def _elected(protocols: pl.DataFrame) -> pl.DataFrame:
    """What the policy says stands in the protocols of hospitals that elect nothing; A elects a floor."""
    money = pl.Decimal(18, 2)
    flags = ("mpi_floor", "mpi_ceiling", "improvement_share", "physician_cap_percent")
    return protocols.with_columns(
        pl.when(hospital_ccn=A).then(pl.lit(D(150), money)).otherwise(pl.lit(D(100), money)).alias("mpi_floor"),
        pl.lit(D(3000), money).alias("mpi_ceiling"),
        pl.lit(D("0.66666667"), pl.Decimal(18, 8)).alias("improvement_share"),
        pl.lit(D(25), pl.Decimal(18, 8)).alias("physician_cap_percent"),
        *(((pl.col("hospital_ccn") == A) & pl.lit(name == "mpi_floor")).alias(f"has_elected_{name}") for name in flags),
    )


def _settle(home: Home, of: State, sources: Mapping[str, Any], policy: PolicyFile) -> Release:
    """As the asset ``release`` does."""
    built = build(_spec(of, sources, policy), home.warehouse / str(PERIOD), threads=1)
    restated = restatement(home, PERIOD, policy, built, threads=1)
    with remembered(home, PERIOD, policy, built.spec) as made:
        release = write_release(
            home,
            PERIOD,
            built,
            policy,
            released_state.inputs_of(home),
            notes=restated.notes,
            restatement=restated.frame,
        )
        made(release.is_new)
    return release


@pytest.fixture(scope="module")
def restated(unreleased: State, tmp_path_factory: pytest.TempPathFactory) -> Restated:
    home = Home(tmp_path_factory.mktemp("restated"))
    shutil.copytree(unreleased.home.root, home.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("2025H2"))
    cases = released_state._cases()
    frames = {**unreleased.spec.sources, **unreleased.norms}
    frames["protocols"] = _elected(frames["protocols"])
    first = _settle(home, unreleased, _stored(frames, home.lake / "first"), unreleased.policy)

    now = [at for at, case in enumerate(cases) if case.day.year == 2025 and case.disposition == "01"]
    own = [at for at in now if (cases[at].hospital, cases[at].physician, cases[at].apr_drg) == (A, npi(1), "139")]
    cases[own[0]] = replace(cases[own[0]], physician=npi(2))  # attribution
    dear = next(at for at in now if (cases[at].hospital, cases[at].physician) == (B, npi(5)))
    lower = tuple((code, (D(charge) * D("0.9")).quantize(D("0.01"))) for code, charge in cases[dear].charges)
    cases[dear] = replace(cases[dear], charges=lower)  # resubmitted
    cases.append(replace(cases[own[1]], physician=npi(1)))  # late
    received = Scenario(cases, period=str(PERIOD), medical=("139", "140")).spec().sources["receipts"]
    frames |= {"discharges": discharges(cases), "charges": charge_lines(cases), "receipts": received}
    raised = (pl.col("amount") + 7).cast(frames["per_diem"].schema["amount"])
    frames["per_diem"] = frames["per_diem"].with_columns(raised)
    results = frames["condition_results"]
    frames["condition_results"] = results.with_columns(
        pl.when(pl.col("condition_id") == "A2").then(pl.lit("Y")).otherwise("met").alias("met")
    )
    home.policy.write_text(released_state.POLICY.replace("performance_exponent: 1", "performance_exponent: 2"))
    second = _settle(home, unreleased, _stored(frames, home.lake / "second"), load_policy(home.policy))
    return Restated(home, first, second)


def payable(folder: Path) -> dict[tuple[str, str], Decimal]:
    rows = released_frame(folder, "incentives").iter_rows(named=True)
    return {
        (row["hospital_ccn"], row["npi"]): row["final_incentive"] if row["status"] == "PAYABLE" else D(0)
        for row in rows
    }


def test_causes_add_up_to_the_difference_to_the_cent(restated: Restated) -> None:
    assert (restated.first.name, restated.second.name) == ("r1", "r2")
    were, are = payable(restated.first.folder), payable(restated.second.folder)
    rows = released_frame(restated.second.folder, "restatement")
    assert set(rows["cause"]) == {"discharges", "reference_rates", "policy", "attribution", "program_files"}
    sums = {
        (ccn, npi): amount
        for ccn, npi, amount in rows.group_by("hospital_ccn", "npi").agg(pl.col("payable_difference").sum()).iter_rows()
    }
    assert any(sums.values())
    for payment in were.keys() | are.keys():
        assert are.get(payment, D(0)) - were.get(payment, D(0)) == sums.get(payment, D(0))


def test_both_releases_verify(restated: Restated) -> None:
    for release in (restated.first, restated.second):
        report = verify_release(release.folder)
        assert report.ok, report.text()
    assert report.tallies["restatement"].figures > 0


def test_a_cause_that_is_cooked_is_found(restated: Restated, tmp_path: Path) -> None:
    """Somebody moves a cent between causes' sums and mends every hash: the payments still say otherwise."""
    shutil.copytree(restated.home.releases, tmp_path / "releases")
    folder = tmp_path / "releases" / str(PERIOD) / "r2"
    file = next((folder / "audit").glob("HCIP_STATE_restatement_*.csv"))
    header, first, *rest = file.read_bytes().decode().split("\r\n")
    *key, final, amount = first.split(",")
    file.write_text("\r\n".join([header, ",".join([*key, final, str(D(amount) + D("0.01"))]), *rest]), newline="")
    manifest = json.loads((folder / "datapackage.json").read_text())
    entry = next(each for each in manifest["resources"] if each["path"].endswith(file.name))
    entry["hash"] = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    (folder / "datapackage.json").write_text(json.dumps(manifest))
    assert verify_release(folder).tallies["restatement"].differences == 1


def test_the_next_period_makes_it_good_once(restated: Restated, unreleased: State) -> None:
    folder = restated.second.folder
    inputs = [{"file": f"releases/{PERIOD}/r2/datapackage.json", "sha256": manifest_sha256(folder), "rows": 1}]
    draft = Draft(restated.home, NEXT, 1, unreleased.policy, ReleaseFiles(folder, NEXT, 1), (A, B), tuple(inputs))
    adjusted = prior_period_adjustments(draft)
    told = adjusted.group_by("hospital_ccn", "npi").agg(pl.col("adjustment_amount").sum())
    owed = {(ccn, npi): amount for ccn, npi, amount in told.iter_rows() if amount}
    were, are = payable(restated.first.folder), payable(folder)
    assert owed == {payment: are[payment] - were[payment] for payment in are if are[payment] != were[payment]}
    assert set(adjusted["restated_release"]) == {"r2"}

    # Once a release of the next period has recommended it, the one after does not.
    told_already = restated.home.releases / str(NEXT) / "r1"
    (told_already / "audit").mkdir(parents=True)
    adjusted.write_parquet(told_already / "audit" / f"HCIP_STATE_prior_period_adjustments_{NEXT}_r1.parquet")
    (told_already / "datapackage.json").write_text("{}")
    try:
        again = [*inputs, {"file": f"releases/{NEXT}/r1/datapackage.json", "sha256": "", "rows": 1}]
        later = replace(draft, period=NEXT.next(), inputs=tuple(again))
        assert prior_period_adjustments(later).height == 0
    finally:
        shutil.rmtree(told_already.parent)


def test_a_release_as_of_then_can_be_made_again(
    restated: Restated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its folder is the one that was released, manifest and all, though everything has changed since."""
    late = SubmissionReceipt("2025Q3/210001.r2", "2025Q3", A, 2, "refused", (), (), (), "", stem="210001.r2")
    write_json(late.as_dict(), restated.home.lake_hospital("receipts", "2025Q3") / "210001.r2.json")
    home, kept = str(restated.home.root), tmp_path / "again" / "r1"
    with pytest.raises(SystemExit) as stopped:
        cli.main(["reproduce", str(PERIOD), "--home", home, "--release", "1", "--to", str(kept), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (stopped.value.code, said["differing"], said["same_program"]) == (0, [], True)
    assert said["files"] == len(ReleaseFiles.at(restated.first.folder).manifest["resources"])
    assert digest(kept) == digest(restated.first.folder)
    assert not list((restated.home.releases / str(PERIOD)).glob(".again*"))

    for arguments, why in (
        (["2025H2", "--to", str(kept)], "a folder of its own"),
        (["2026H1"], "has no release"),
        (["2025H2", "--release", "7"], "not a release"),
    ):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["reproduce", *arguments, "--home", home])
        assert stopped.value.code == 1 and why in capsys.readouterr().err


def test_what_comes_out_otherwise_is_named() -> None:
    paths = tuple(f"audit/{number}.csv" for number in range(12))
    told = "\n".join(Reproduction("2025H2_r1", 40, paths, same_program=False).lines())
    assert "12 of 40 files" in told and "audit/0.csv" in told and "and 2 more" in told and "code_version" in told


def test_what_was_known_then_must_be_as_it_was(restated: Restated, tmp_path: Path) -> None:
    home = Home(tmp_path)
    shutil.copytree(restated.home.root / "lake", home.lake)
    shutil.copytree(restated.home.releases, home.releases)
    known = recall(home, PERIOD, 1)
    assert known is not None
    kept_file(home, known.sources["discharges"][0]).unlink()
    with pytest.raises(HcipError) as gone:
        reproduce(home, PERIOD, 1)
    assert gone.value.rule == "LAKE-AS-OF-THEN"


def test_diff_says_what_changed_and_why(restated: Restated, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = str(restated.first.folder), str(restated.second.folder)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["diff", before, after, "--json"])
    assert not stopped.value.code
    said = json.loads(capsys.readouterr().out)
    assert said["adds_up"] is True
    total = sum(payable(restated.second.folder).values()) - sum(payable(restated.first.folder).values())
    assert sum(map(D, said["causes"].values())) == D(said["difference"]) == total

    with pytest.raises(SystemExit):
        cli.main(["diff", before, after])
    text = capsys.readouterr().out
    assert "2025H2: r1 → r2" in text and "reference rates" in text
    with pytest.raises(SystemExit):
        cli.main(["diff", after, after])
    assert "every payment is the same" in capsys.readouterr().out
    other = str(restated.home.releases / "2025H1" / "r1")
    for wrong in ([after, before], [other, after]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["diff", *wrong])
        assert stopped.value.code == 2
