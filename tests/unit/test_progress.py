"""The progress that a command shows while it works, and its log in the home."""

from __future__ import annotations

import pickle
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hcip_pipeline.commands.progress import KEPT_LOGS, shown_progress, volume_options
from hcip_pipeline.errors import HcipError
from hcip_pipeline.messages import DetailedMessage, within

MESSAGES = (
    "2025H1: reading the lake",
    *(DetailedMessage(f"building 2025H1: {n} of 3 tables", f"int_model_{n}") for n in (1, 2, 3)),
    "2025H1: writing the release",
)


def command(home: Path, *, fails: bool = False) -> click.Command:
    @click.command("settle")
    @volume_options
    def settle() -> None:
        with shown_progress(as_json=False, home_root=home) as progress:
            for message in MESSAGES:
                progress(message)
            if fails:
                raise HcipError("the file is not there", fix="put it there")

    return settle


def stages(output: str) -> list[str]:
    return [line.split("] ", 1)[1] for line in output.splitlines()]


def test_a_stage_is_one_line_with_its_time_and_no_model_names(tmp_path: Path) -> None:
    shown = CliRunner().invoke(command(tmp_path))
    assert stages(shown.stderr) == [MESSAGES[0], "building 2025H1: 1 of 3 tables", MESSAGES[-1]]
    assert shown.stderr.startswith("[0:00] ")


def test_a_detailed_message_stays_one_within_a_stage_and_in_another_process() -> None:
    shown: list[str] = []
    report = within(shown.append, "building 2025H1")
    for message in (DetailedMessage("1 of 3 tables", "int_model_1"), "done"):
        report(pickle.loads(pickle.dumps(message)))
    assert shown == [MESSAGES[1], "building 2025H1: done"]
    assert isinstance(shown[0], DetailedMessage) and shown[0].stage == "building 2025H1: 1 of 3 tables"


def test_verbose_shows_every_table_and_quiet_nothing(tmp_path: Path) -> None:
    assert stages(CliRunner().invoke(command(tmp_path), ["--verbose"]).stderr) == list(MESSAGES)
    assert CliRunner().invoke(command(tmp_path), ["--quiet"]).output == ""
    both = CliRunner().invoke(command(tmp_path), ["--quiet", "--verbose"])
    assert both.exit_code == 2 and "cannot be used together" in both.output


@pytest.mark.parametrize("fails", [False, True])
def test_the_log_contains_every_message_and_how_the_command_ended(tmp_path: Path, fails: bool) -> None:
    CliRunner().invoke(command(tmp_path, fails=fails), ["--quiet"])
    (log,) = (tmp_path / "logs").iterdir()
    lines = [line[20:] for line in log.read_text(encoding="utf-8").splitlines()]
    assert log.name.endswith("-settle.log")
    assert lines[1:-1] == list(MESSAGES)
    assert lines[-1].startswith("ended by the file is not there" if fails else "ended")


def test_a_home_keeps_the_newest_logs_and_a_missing_home_gets_none(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(KEPT_LOGS + 5):
        (logs / f"20200101T000000-run-{number:04d}.log").touch()
    CliRunner().invoke(command(tmp_path))
    kept = sorted(path.name for path in logs.iterdir())
    assert len(kept) == KEPT_LOGS and kept[-1].endswith("-settle.log")
    CliRunner().invoke(command(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()
