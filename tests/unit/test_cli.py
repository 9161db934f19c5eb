"""The command line: fast help, exit codes, messages instead of stack traces."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hcip_pipeline import cli
from hcip_pipeline.commands.options import release_folder
from hcip_pipeline.errors import HcipError

HEAVY = ("dagster", "dbt", "duckdb", "polars", "pandera", "great_expectations", "pyarrow")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(arguments))
        raise SystemExit(0)
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


def test_help_imports_no_engine() -> None:
    code = (
        "import sys; from hcip_pipeline import cli; [cli.cli.get_command(None, c) for c in cli.COMMANDS]; "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    modules = {module.stem for module in (Path(cli.__file__).parent / "commands").glob("[a-z]*.py")}
    assert {name.replace("-", "_") for name in cli.COMMANDS} == modules - {"options", "progress"}
    for command in cli.COMMANDS:
        assert f"  {command} " in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "2025H3"), "not a performance period"),
        (("run",), "Missing argument"),
        (("settle",), "No such command"),
        (("synth", "somewhere", "--start", "2025Q3", "--end", "2025Q1"), "before the start"),
        (("study", "--year", "2016"), "either a SPARCS file, a folder of Texas's files, or a window"),
        (("study", "--from", "2025-06-30", "--to", "2025-01-01"), "is before"),
        (("ingest", "2025Q9"), "is not a quarter"),
    ],
)
def test_wrong_usage_exits_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_a_missing_policy_exits_1_and_names_the_path(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "run", "2025H1", "--home", str(tmp_path))
    assert code == 1
    assert str(tmp_path / "inbox" / "policy.yaml") in err
    assert "What to do:" in err


def test_an_error_is_reported_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "run", "2025H1", "--home", str(tmp_path), "--json")
    assert code == 1
    assert '"error": "there is no policy here"' in out


def test_a_fault_of_the_program_is_a_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(path: Path) -> None:
        raise RuntimeError("boom")

    monkeypatch.delenv("HCIP_DEBUG", raising=False)
    monkeypatch.setattr("hcip_pipeline.policy.loader.load_policy", broken)
    code, _, err = run(capsys, "run", "2025H1", "--home", str(tmp_path))
    assert code == 1
    assert "boom" in err
    assert "Traceback" not in err


def test_synth_never_overwrites(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    code, _, err = run(capsys, "synth", str(tmp_path))
    assert code == 1
    assert "not empty" in err
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["--version"], 0, "hcip", ""),
        (["run", "2025H3"], 2, "", "not a performance period"),
        (["verify", "nowhere", "--json"], 1, '"error"', "What to do"),
    ],
)
def test_the_console_script_exits_with_the_commands_code(arguments: list[str], code: int, out: str, err: str) -> None:
    program = [sys.executable, "-c", "from hcip_pipeline.cli import main; main()", *arguments]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == code and out in done.stdout and err in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_not_an_error() -> None:
    program = f"{sys.executable} -c 'from hcip_pipeline.cli import main; main()' --help | true"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["study", "--sparcs", "x.csv", "--year", "٢٠١٦"],
        ["study", "--from", "２０２５-01-01", "--to", "2025-06-30"],
        ["reproduce", "2025H1", "--release", "١"],
        ["retain", "--as-of", "2025-01-0１"],
        ["status", "--on", "2025-01-0１"],
        ["run", "２０２５H1"],
    ],
)
def test_numbers_and_days_must_be_ascii(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("day", ["yesterday", "2025-02-29", "3/14/2025", "2025-01-0１", ""])
def test_a_wrong_day_is_named_with_the_form_of_a_day(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["status", "--on", day])
    assert ended.value.code == 2
    assert "is not a day, YYYY-MM-DD" in capsys.readouterr().err


def test_a_period_means_its_newest_release(tmp_path: Path) -> None:
    releases = tmp_path / "releases" / "2025H1"
    for name in ("r1", "r2", "r10"):
        (releases / name).mkdir(parents=True)
    assert release_folder(Path("2025H1"), tmp_path) == releases / "r10"
    assert release_folder(Path("2025H1/r2"), tmp_path) == releases / "r2"
    assert release_folder(releases / "r1", tmp_path) == releases / "r1"
    with pytest.raises(HcipError, match="has no release"):
        release_folder(Path("2025H2"), tmp_path)
    with pytest.raises(HcipError, match="has no release"):
        release_folder(Path("2025H1/r3"), tmp_path)


@pytest.mark.parametrize("command", ["certainty", "simulate"])
def test_tables_that_cannot_be_written_are_refused_before_they_are_computed(command: str, tmp_path: Path) -> None:
    file = tmp_path / "a_file"
    file.touch()
    for out in (file, file / "below", Path("/proc/none")):
        arguments = [command, "2025H1", *(["s.yaml"] if command == "simulate" else []), "--out", str(out)]
        with pytest.raises(HcipError, match="cannot be written here") as refused:
            cli.cli.main([*arguments, "--home", str(tmp_path)], standalone_mode=False)
        assert refused.value.file == str(out) and refused.value.fix


def test_a_command_in_the_background_of_a_script_ends_on_sigterm(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell makes it ignore SIGINT, and Dagster handles SIGTERM like SIGINT once a run has begun."""

    def work() -> None:
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(cli._Commands, "get_command", lambda *_: click.Command("run", callback=work))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code, _, err = run(capsys, "run")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (code, err.split()) == (130, ["stopped"])
