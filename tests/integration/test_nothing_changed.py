"""`hcip run` of an unchanged period: recognized from hashes, and never wrongly (methodology §15)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hcip_pipeline import cli
from hcip_pipeline.home.folders import Home
from hcip_pipeline.settlement import recognition
from hcip_pipeline.settlement.recognition import outlook
from tests.settled_home import PERIOD, SettledHome

pytestmark = pytest.mark.slow


@pytest.fixture
def home(settled_home: SettledHome, tmp_path: Path) -> Home:
    return settled_home.copy(tmp_path / "home", "inbox", "lake", "releases", "warehouse/last_runs")


def replaced(path: Path, content: bytes) -> None:
    """Write other bytes under the same name, after breaking the hard link to the original."""
    path.unlink()
    path.write_bytes(content)


def one_byte_edited(path: Path) -> None:
    """Change one byte, keeping size and modification time."""
    stat, content = path.stat(), path.read_bytes()
    at = content.rindex(b"1")
    replaced(path, content[:at] + b"2" + content[at + 1 :])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _hospital_file(home: Home) -> Path:
    return home.inbox / "hospital" / "2025Q1" / "210809" / "discharges.csv"


def _resubmitted(home: Home) -> None:
    first = _hospital_file(home).parent
    shutil.copytree(first, first.with_name(f"{first.name}.r2"))


def _of_an_earlier_period(home: Home) -> None:
    folder = home.inbox / "program" / "2024H2"
    folder.mkdir(exist_ok=True)
    (folder / "other_program_amounts.csv").write_text("hospital_ccn,program,kind,amount\n210809,MPP,incentive,10.00\n")


def _claims_of_another_month(home: Home) -> None:
    folder = home.inbox / "cms" / "2025-06"
    folder.mkdir()
    (folder / "P.A1234.ACO.ZCY25.D250615.T1234567").write_bytes(b"PK\x03\x04")


def _damaged_lake_file(home: Home) -> None:
    one_byte_edited(next((home.lake / "hospital" / "discharges" / "quarter=2025Q1").glob("*.parquet")))


def _earlier_release(home: Home) -> None:
    folder = home.releases / "2024H2" / "r1"
    shutil.copytree(home.releases / str(PERIOD) / "r1", folder)
    for path in list(folder.rglob("*_2025H1_r1.parquet")):
        path.rename(path.with_name(path.name.replace("2025H1", "2024H2")))


def _renamed_release(home: Home) -> None:
    (home.releases / str(PERIOD) / "r1").rename(home.releases / str(PERIOD) / "r2")


CHANGES: dict[str, tuple[Callable[[Home], object], str]] = {
    "one byte of a submission, with its size and time": (lambda h: one_byte_edited(_hospital_file(h)), "discharges"),
    "a resubmission": (_resubmitted, ".r2"),
    "an empty folder of a new submission": (lambda h: (h.inbox / "hospital" / "2025Q2" / "210099").mkdir(), "210099"),
    "a submission that is gone": (lambda h: _hospital_file(h).unlink(), "is gone"),
    "an archive of another month": (_claims_of_another_month, "cms/2025-06"),
    "a program file": (lambda h: one_byte_edited(h.inbox / "program/2025H1/condition_results.csv"), "condition_res"),
    "a program file of an earlier period": (_of_an_earlier_period, "program/2024H2"),
    "a protocol": (lambda h: one_byte_edited(next(h.inbox.glob("protocols/*/*.yaml"))), "protocols/"),
    "a reference table": (lambda h: one_byte_edited(h.inbox / "reference" / "per_diem.csv"), "per_diem"),
    "a comment in the policy": (lambda h: replaced(h.policy, h.policy.read_bytes() + b"# why\n"), "policy"),
    "a policy that cannot be read": (lambda h: replaced(h.policy, b"version: ["), "cannot be read"),
    "a file nobody knows": (lambda h: (h.inbox / "corrections.csv").write_text("a\n1\n"), "corrections.csv"),
    "a damaged file of the lake": (_damaged_lake_file, "table discharges"),
    "a lake that is gone": (lambda h: shutil.rmtree(h.lake / "program"), "cannot be read"),
    "the norm table": (lambda h: shutil.rmtree(h.lake / "norms"), "norm table"),
    "an earlier period's release": (_earlier_release, "2024H2"),
    "another newest release": (_renamed_release, "r2"),
    "an edited manifest": (lambda h: one_byte_edited(h.releases / "2025H1/r1/datapackage.json"), "r1"),
    "no release": (lambda h: shutil.rmtree(h.releases / "2025H1"), "no release"),
    "no record of the run": (lambda h: shutil.rmtree(h.warehouse / "last_runs"), "no record"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_named(home: Home, name: str) -> None:
    assert outlook(home, PERIOD).unchanged is not None
    change, named = CHANGES[name]
    change(home)
    seen = outlook(home, PERIOD)
    assert seen.unchanged is None and named in " ".join(seen.reasons), seen.reasons


@pytest.mark.parametrize("part", ["program", "models"])
def test_a_changed_program_or_model_needs_a_build(home: Home, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function = {"program": "program_version", "models": "project_digest"}[part]
    monkeypatch.setattr(recognition, function, lambda: "another")
    assert outlook(home, PERIOD).reasons == (f"the {part} changed",)


def test_a_policy_file_is_compared_by_its_text(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_bytes(home.policy.read_bytes())
    assert outlook(home, PERIOD, other).unchanged is not None
    other.write_bytes(home.policy.read_bytes() + b"performance_exponent: 2\n")
    assert "the policy changed" in outlook(home, PERIOD, other).reasons


def test_inputs_of_a_later_period_do_not_count(home: Home) -> None:
    for place in ("hospital/2025Q3/210809", "cms/2026-01", "program/2025H2"):
        (home.inbox / place).mkdir(parents=True)
        (home.inbox / place / "file.csv").write_text("a\n")
    assert outlook(home, PERIOD).unchanged is not None


def test_a_file_that_was_only_touched_is_read_and_recognized(home: Home) -> None:
    for path in home.inbox.rglob("*.csv"):
        os.utime(path)
    assert outlook(home, PERIOD).unchanged is not None


def test_an_unchanged_period_is_recognized_without_importing_the_engine(home: Home) -> None:
    """Modules of a build are not even imported, and only the command's own log is written."""

    def written() -> dict[Path, int]:
        logs = home.root / "logs"
        paths = (path for path in home.root.rglob("*") if path != logs and logs not in path.parents)
        return {path: path.stat().st_mtime_ns for path in paths}

    code = (
        "import sys\nfrom hcip_pipeline import cli\n"
        "try: cli.main(sys.argv[1:])\n"
        "finally: print(sorted({'dagster', 'dbt'} & sys.modules.keys()), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "run", str(PERIOD), "--home", str(home.root), "--json"]
    subprocess.run(command, capture_output=True, check=True)  # a copied home has no ledger yet; this starts it
    before = written()
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    facts = json.loads(ended.stdout)
    assert (facts["release"], facts["is_new"]) == ("r1", False)
    assert ended.stderr.splitlines()[-1] == "[]"
    assert written() == before


def run_again(home: Home) -> None:
    """Record a run that ingests nothing and confirms its newest release."""
    seen, record = outlook(home, PERIOD), json.loads((home.warehouse / f"last_runs/{PERIOD}.json").read_text())
    (home.warehouse / f"last_runs/{PERIOD}.json").unlink()
    recognition.record_run(home, seen, home.releases / str(PERIOD) / "r1", record["built_from"])


def _overwritten(home: Home) -> str:
    one_byte_edited(_hospital_file(home))
    return "put the correction next to it as 210809.r2/"


def _added_to_a_submission(home: Home) -> str:
    folder = _hospital_file(home).parent
    shutil.copyfile(folder / "charges.csv", folder / "charges.csv.gz")
    return "put the correction next to it as 210809.r2/"


def _overwritten_resubmission(home: Home) -> str:
    receipts = home.lake / "hospital" / "receipts" / "quarter=2025Q1"
    receipt = json.loads((receipts / "210809.r1.json").read_text())
    later = receipt | {"version": 2, "stem": "210809.r2", "submission": "2025Q1/210809.r2", "in_force": False}
    (receipts / "210809.r2.json").write_text(json.dumps(later))
    first = _hospital_file(home).parent
    shutil.copytree(first, first.with_name("210809.r2"))
    one_byte_edited(first.with_name("210809.r2") / "charges.csv")
    return "put the correction next to it as 210809.r3/"


def _overwritten_archive(home: Home) -> str:
    (archive,) = (home.inbox / "cms" / "2025-05").iterdir()
    replaced(archive, archive.read_bytes() + b"\0")
    return "a correction by CMS has a later date"


@pytest.mark.parametrize(
    "change", [_overwritten, _added_to_a_submission, _overwritten_resubmission, _overwritten_archive]
)
def test_a_file_overwritten_after_it_was_ingested_is_named_every_time(
    home: Home, change: Callable[[Home], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """After the first report, runs recognize the period; every later run and the status still name the difference."""
    way_out = change(home)
    assert [way_out in each.fix for each in outlook(home, PERIOD).changed_since] == [True]
    run_again(home)
    for _ in range(2):
        seen = outlook(home, PERIOD)
        assert seen.unchanged is not None and [way_out in each.fix for each in seen.changed_since] == [True]
    cli.main(["run", str(PERIOD), "--home", str(home.root)])
    cli.main(["status", str(PERIOD), "--home", str(home.root)])
    reported = " ".join(capsys.readouterr().out.split())
    assert (
        reported.count("after it was ingested; the ingested version still counts") == 2 and reported.count(way_out) == 2
    )


def test_a_refused_program_file_is_named_every_time(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """The run settles the period without the file's new rows; neither it nor the status may pass over them."""
    file = home.inbox / "program" / str(PERIOD) / "care_partners.csv"
    rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    replaced(file, "".join([*rows, rows[-1]]).encode())  # the last care partner, listed twice
    with pytest.raises(SystemExit):
        cli.main(["ingest", str(PERIOD), "--home", str(home.root)])
    run_again(home)
    capsys.readouterr()
    assert outlook(home, PERIOD).unchanged is not None
    cli.main(["run", str(PERIOD), "--home", str(home.root)])
    cli.main(["status", str(PERIOD), "--home", str(home.root)])
    reported = " ".join(capsys.readouterr().out.split())
    assert reported.count(f"inbox/program/{PERIOD}/care_partners.csv was refused, and version 1 still counts") == 2
    assert f"row {len(rows) + 1}" in reported
    cli.main(["run", str(PERIOD), "--home", str(home.root), "--json"])
    assert [each["in_force"] for each in json.loads(capsys.readouterr().out)["refused_files"]] == [1]
    replaced(file, "".join(rows).encode())
    with pytest.raises(SystemExit):
        cli.main(["ingest", str(PERIOD), "--home", str(home.root)])
    run_again(home)
    cli.main(["run", str(PERIOD), "--home", str(home.root)])
    assert "was refused" not in capsys.readouterr().out


def test_rebuild_settles_an_unchanged_period_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hcip_pipeline.assets import execution
    from hcip_pipeline.publishing.writer import existing_release

    asked: list[object] = []

    def settle(home: Home, period: object, *_: object, **__: object) -> object:
        asked.append(period)
        return existing_release(home.releases / str(period) / "r1")

    monkeypatch.setattr(execution, "settle", settle)
    arguments = ["run", str(PERIOD), "--home", str(home.root)]
    cli.main(arguments)
    assert not asked
    reported = capsys.readouterr()
    assert "nothing changed since r1" in reported.err + reported.out
    cli.main([*arguments, "--rebuild"])
    assert asked == [PERIOD]
