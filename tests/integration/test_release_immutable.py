"""A release is complete or absent, written once, and every byte of it and of earlier releases is verified."""
# ruff: noqa: F811 - pytest takes fixtures by the names of arguments

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
import stat
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from hcip_pipeline import cli
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.locks import HomeLocks
from hcip_pipeline.operations.retention import PATIENT_TABLES, destroy, what_is_due
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.publishing import files as release_files
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.writer import write_release
from hcip_pipeline.release.layouts import LAYOUTS
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.release.verification import verify_release
from hcip_pipeline.warehouse.build import BuildResult, NodeResult
from tests.released_state import (  # noqa: F401 - fixtures
    PERIOD,
    State,
    build_of_released,
    fresh_home,
    inputs_of,
    released,
    unreleased,
)

pytestmark = pytest.mark.slow

#: processes start with modules loaded, whose import would take seconds
_WRITERS = multiprocessing.get_context("forkserver")
_WRITERS.set_forkserver_preload(["hcip_pipeline.publishing.writer", "tests.released_state"])


def _write(home: Home, built: BuildResult) -> None:
    write_release(home, PERIOD, built, Content(load_policy(home.policy), inputs_of(home)))


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_table_that_identifies_cases_is_subject_to_retention() -> None:
    named = {layout.table.name for layout in LAYOUTS if {"account_no", "case_number"} & set(layout.table.names)}
    assert named and named <= PATIENT_TABLES.keys()


def written(home: Home, built: BuildResult, policy: State) -> Path:
    return write_release(home, PERIOD, built, Content(policy.policy, inputs_of(home))).folder


def test_killed_at_any_moment_leaves_all_or_nothing(
    released: Path,
    build_of_released: BuildResult,
    fresh_home: Home,
    unreleased: State,
) -> None:
    """SIGKILL when a given number of files is written (the last time, after the last report), one run after another.

    Each starts from the files that the previous one left; in the end one finishes.
    """
    period, whole = fresh_home.releases / str(PERIOD), contents(released)
    for files in (1, 40, 90, 130, 10_000):
        process = _WRITERS.Process(target=_write, args=(fresh_home, build_of_released))
        process.start()
        work = period / f".r1.{process.pid}"
        while process.is_alive():
            there = sum(len(names) for _, _, names in os.walk(work))
            if there >= files or (files == 10_000 and (work / "audit" / "audit_report.html").exists()):
                break
            time.sleep(0.001)
        process.kill()
        process.join()
        names = [path.name for path in releases_of(fresh_home, PERIOD)]
        assert names in ([], ["r1"]), files
        if names:  # the writer finished first
            assert contents(period / "r1") == whole
            shutil.rmtree(period)
    folder = written(fresh_home, build_of_released, unreleased)
    assert folder.name == "r1"
    assert contents(folder) == whole
    assert [path.name for path in period.iterdir() if path.is_dir()] == ["r1"]


def test_two_runs_do_not_write_one_release(
    build_of_released: BuildResult,
    fresh_home: Home,
    unreleased: State,
) -> None:
    folder = fresh_home.releases / str(PERIOD)
    folder.mkdir()
    with (folder / ".writing").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(HcipError, match="another run"):
            written(fresh_home, build_of_released, unreleased)
    assert releases_of(fresh_home, PERIOD) == []


def test_no_one_else_on_the_machine_reads_a_release(released: Path) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [released, *released.rglob("*")]}
    assert [path for path, mode in modes.items() if mode & 0o027] == []


class TestGate:
    @pytest.fixture
    def own_build(self, build_of_released: BuildResult, tmp_path: Path) -> BuildResult:
        shutil.copy(build_of_released.file, tmp_path / "hcip.duckdb")
        return replace(build_of_released, file=tmp_path / "hcip.duckdb")

    def refused(self, build: BuildResult, home: Home, of: State) -> HcipError:
        with pytest.raises(HcipError) as caught:
            written(home, build, of)
        assert caught.value.rule == "RELEASE-GATE"
        assert releases_of(home, PERIOD) == []
        return caught.value

    def test_a_table_changed_after_the_checks_is_noticed(
        self,
        own_build: BuildResult,
        fresh_home: Home,
        unreleased: State,
    ) -> None:
        with duckdb.connect(own_build.file) as connection:
            connection.execute(
                "update marts.incentives set final_incentive = final_incentive + 1 where status = 'HELD'"
            )
        assert "incentives" in self.refused(own_build, fresh_home, unreleased).message

    def test_a_table_left_from_another_build_is_noticed(
        self,
        own_build: BuildResult,
        fresh_home: Home,
        unreleased: State,
    ) -> None:
        known = {name: value for name, value in own_build.fingerprints.items() if name != "norms"}
        assert "norms" in self.refused(replace(own_build, fingerprints=known), fresh_home, unreleased).message

    @pytest.mark.parametrize("status", ["fail", "error", "skipped", "warn"])
    def test_a_check_that_did_not_pass_stops_the_release(
        self,
        status: str,
        own_build: BuildResult,
        fresh_home: Home,
        unreleased: State,
    ) -> None:
        nodes = (*own_build.nodes, NodeResult("test.hcip.parts_equal_their_total", status, 0, 1, ""))
        error = self.refused(replace(own_build, nodes=nodes), fresh_home, unreleased)
        assert "parts_equal_their_total" in error.message

    @pytest.mark.parametrize("worth_a_process", [0, 10**9])
    def test_figures_that_cannot_be_recomputed_stop_the_release(
        self,
        worth_a_process: int,
        own_build: BuildResult,
        fresh_home: Home,
        unreleased: State,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """With fingerprints of the wrong table every check passes, although payments do not match cases."""
        from hcip_pipeline.warehouse.build import fingerprints

        with duckdb.connect(own_build.file) as connection:
            connection.execute(
                "update marts.incentives set final_incentive = final_incentive + 0.01 where status = 'PAYABLE'"
            )
        monkeypatch.setattr(release_files, "_WORTH_A_PROCESS", worth_a_process)
        error = self.refused(replace(own_build, fingerprints=fingerprints(own_build.file)), fresh_home, unreleased)
        assert "from the release's own files" in error.message


def test_a_release_is_the_same_if_another_process_recomputes_it(
    build_of_released: BuildResult, fresh_home: Home, unreleased: State, released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_files, "_WORTH_A_PROCESS", 0)
    again = written(fresh_home, build_of_released, unreleased)
    assert contents(again) == contents(released)
    assert not list(again.parent.glob(".r*"))


class TestManifest:
    def test_a_stock_reader_finds_it_valid(self, released: Path) -> None:
        from frictionless import Package

        package = Package(str(released / "datapackage.json"))
        report = package.validate()
        assert report.valid, report.flatten(["type", "title", "message"])[:5]
        assert {resource.name for resource in package.resources if resource.type == "table"}

    def test_the_manifest_states_what_the_release_is(self, released: Path) -> None:
        manifest = json.loads((released / "datapackage.json").read_text())
        assert manifest["supersedes"] is None and manifest["code_version"] and manifest["grouper_versions"] == ["41"]
        text = manifest["policy"]["text"]
        assert hashlib.sha256(text.encode()).hexdigest() == manifest["policy"]["sha256"]
        assert all({"file", "sha256", "rows"} <= item.keys() for item in manifest["inputs"])
        for resource in manifest["resources"]:
            for entry in filter(None, (resource, resource.get("parquet"))):
                file = released / entry["path"]
                assert entry["bytes"] == file.stat().st_size
                assert entry["hash"] == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
            if "schema" in resource:
                assert resource["rows"] >= 0 and resource["schema"]["primaryKey"]
        payments = [
            r for r in manifest["resources"] if r["path"].startswith("incentives/") and "_incentives_" in r["path"]
        ]
        assert all("final_incentive" in resource["totals"] for resource in payments)


class TestChain:
    @pytest.fixture(scope="class")
    def restated(
        self,
        released: Path,
        unreleased: State,
        build_of_released: BuildResult,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Home:
        """Another policy text makes a second release of the same period."""
        home = Home(tmp_path_factory.mktemp("chain"))
        shutil.copytree(unreleased.home.root, home.root, dirs_exist_ok=True)
        other = replace(unreleased.policy, text=unreleased.policy.text + "# later\n")
        other = replace(other, sha256=hashlib.sha256(other.text.encode()).hexdigest())
        release = write_release(home, PERIOD, build_of_released, Content(other, inputs_of(home)))
        assert (release.name, release.is_new) == ("r2", True)
        return home

    def copy(self, home: Home, to: Path) -> Path:
        shutil.copytree(home.releases, to / "releases")
        return to / "releases"

    def test_a_restated_release_verifies(self, restated: Home) -> None:
        report = verify_release(restated.releases / str(PERIOD) / "r2")
        assert report.ok, report.text()
        assert report.tallies["chain"].figures > 200

    @pytest.mark.parametrize(
        "place",
        [
            "2025H2/r1/incentives/HCIP_210001_incentives_2025H2_r1.parquet",
            "2025H2/r1/audit/audit_report.html",
            "2025H2/r1/datapackage.json",
            "2025H1/r1/savings/HCIP_STATE_savings_2025H1_r1.csv",
            "2024H1/r1/incentives/HCIP_210002_incentives_2024H1_r1.parquet",
            "2024H2/r1/datapackage.json",
        ],
    )
    def test_any_byte_of_any_older_release_is_found(self, restated: Home, tmp_path: Path, place: str) -> None:
        releases = self.copy(restated, tmp_path)
        file = releases / place
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(bytes(content))
        report = verify_release(releases / "2025H2" / "r2")
        assert report.tallies["chain"].differences > 0, report.text()

    def test_a_removed_or_added_file_is_found(self, restated: Home, tmp_path: Path) -> None:
        releases = self.copy(restated, tmp_path)
        (releases / "2025H2/r1/extra.txt").write_text("")
        (releases / "2025H1/r1/savings/HCIP_STATE_savings_2025H1_r1.parquet").unlink()
        reported = [(each.rule, each.file) for each in verify_release(releases / "2025H2" / "r2").listed]
        assert ("chain", "2025H2/r1/extra.txt") in reported
        assert ("chain", "2025H1/r1/savings/HCIP_STATE_savings_2025H1_r1.parquet") in reported

    def test_retention_destroys_what_is_due_and_the_chain_still_verifies(
        self, restated: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        home = Home(tmp_path / "home")
        shutil.copytree(restated.root, home.root)
        assert what_is_due(home, 10, PERIOD.end.replace(year=PERIOD.year + 10)).due == ()
        refused = [
            home.quarantine / f"hospital/quarter={quarter}/210001.r1.parquet" for quarter in ("2025Q3", "2026Q1")
        ]
        for file in refused:
            file.parent.mkdir(parents=True)
            file.touch()
        (home.inbox / "hospital" / "2024Q1").mkdir(parents=True)  # of a half-year that this home never released
        retention = what_is_due(home, 10, dt.date(PERIOD.year + 11, 1, 1))
        assert retention.left_over == (refused[0],)
        assert any(line.startswith("inbox/hospital/2024Q1: ") for line in retention.elsewhere)
        assert {each.release for each in retention.due} == {"2025H2_r1", "2025H2_r2"}
        gone = {each.path for each in retention.due if each.release == "2025H2_r1"}
        assert any("incentive_cases" in path for path in gone) and any("/physicians/" in path for path in gone)
        assert any(path.endswith("/explorer.html") for path in gone), "it shows single cases"
        before = ReleaseFiles.at(home.releases / "2025H2" / "r1").table("incentives")

        arguments = ["retain", "--home", str(home.root), "--as-of", str(retention.as_of)]
        cli.main(arguments)
        listed = capsys.readouterr().out
        assert "2025H2_r1" in listed and "retention of 10 years ended on 2035-12-31" in listed
        assert all((home.releases / "2025H2" / "r1" / path).exists() for path in gone)
        for name in ("2025H2", "2025Q3", "2024H1"):
            with HomeLocks() as other, pytest.raises(SystemExit) as busy:
                other.take(home, name, f"settling, which reads {name}", "shared")
                cli.main([*arguments, "--destroy", "--yes"])
            assert busy.value.code == 1 and f"{name} is in use" in capsys.readouterr().err
        assert all((home.releases / "2025H2" / "r1" / path).exists() for path in gone)
        cli.main([*arguments, "--destroy", "--yes", "--json"])
        assert json.loads(capsys.readouterr().out)["destroyed"] == len(retention.due) + 1
        assert [file.exists() for file in refused] == [False, True], "another period's rows stay"
        folder = home.releases / "2025H2" / "r1"
        assert not any((folder / path).exists() for path in gone)
        assert ReleaseFiles.at(folder).table("incentives").equals(before)
        for number in ("r1", "r2"):
            report = verify_release(home.releases / "2025H2" / number)
            assert report.ok, report.text()
            assert any("destroyed" in note for note in report.notes)
        assert what_is_due(home, 10, retention.as_of).due == ()

        record = home.releases / "2025H2" / "r1.destroyed.json"
        record.write_text(record.read_text().replace("incentive_cases", "other_cases"))
        assert not verify_release(folder).ok, "a file that the record does not name is missing"

    def test_data_of_an_ended_agreement_are_due_unless_they_were_changed(self, restated: Home, tmp_path: Path) -> None:
        home = Home(tmp_path / "home")
        shutil.copytree(restated.root, home.root)
        (home.inbox / "data_use.yaml").write_text(
            "agreements:\n- {id: DUA-1, covers: [hospital], ends: 2027-06-30, periods: [2025H2]}\n"
        )
        assert what_is_due(home, 10, dt.date(2027, 6, 30)).due == ()
        due = what_is_due(home, 10, dt.date(2027, 7, 1)).due
        assert due and {each.reason for each in due} == {"DUA-1 ended on 2027-06-30"}
        victim = home.releases / "2025H2" / "r1" / due[0].path
        victim.write_bytes(victim.read_bytes() + b" ")
        with pytest.raises(HcipError, match="nothing is destroyed"):
            destroy(home, what_is_due(home, 10, dt.date(2027, 7, 1)))
        assert all((home.releases / "2025H2" / each.release[-2:] / each.path).exists() for each in due)
