"""Wrong settings stop a command before it records anything; alerts that reach no one are only reported."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hcip_pipeline.alerting.settings import check_settings
from hcip_pipeline.cli import main
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home

WRONG = {
    "an unknown key": ("alert: []", "alert"),
    "no YAML": ("alerts: [", "settings.yaml"),
    "a webhook without TLS": ("alerts: [{webhook: 'http://example.org/x'}]", "https"),
    "a relative key": ("signing: {key: keys/release, identity: me@example.org}", "outside the home"),
    "a missing key file": ("signing: {key: /nowhere/release_key, identity: me@example.org}", "could not sign"),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    (home.inbox / "hospital" / "2025Q1").mkdir(parents=True)
    return home


def _content(home: Home) -> list[str]:
    """Names in the home, except the command's log, which contains the error too."""
    return sorted(path.name for path in home.root.iterdir() if path.name != "logs")


@pytest.mark.parametrize("command", [["run", "2025H1"], ["backfill", "2025H1", "2025H1"]], ids=lambda each: each[0])
@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=list(WRONG))
def test_nothing_is_recorded_under_wrong_settings(
    command: list[str], text: str, message: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    (home.root / "settings.yaml").write_text(text, encoding="utf-8")
    before = _content(home)
    with pytest.raises(SystemExit) as ended:
        main([*command, "--home", str(home.root)])
    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert message in error and "What to do" in error and "Traceback" not in error
    assert _content(home) == before


def test_intake_checks_the_settings_but_needs_no_key(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.root / "settings.yaml").write_text(WRONG["an unknown key"][0], encoding="utf-8")
    before = _content(home)
    with pytest.raises(SystemExit) as ended:
        main(["ingest", "2025Q1", "--home", str(home.root)])
    assert ended.value.code == 1 and "settings.yaml" in capsys.readouterr().err
    assert _content(home) == before
    (home.root / "settings.yaml").write_text(WRONG["a missing key file"][0], encoding="utf-8")
    check_settings(home, pytest.fail)
    with pytest.raises(HcipError, match="could not sign"):
        check_settings(home, pytest.fail, signs=True)


def test_alerts_that_reach_no_one_are_reported(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HCIP_TEAM_ALERTS", raising=False)
    (home.root / "settings.yaml").write_text(
        "alerts: [{webhook_from: HCIP_TEAM_ALERTS}, {command: [no-such-program-here]}]", encoding="utf-8"
    )
    reported: list[str] = []
    check_settings(home, reported.append, signs=True)
    assert len(reported) == 2
    assert "HCIP_TEAM_ALERTS is not set" in reported[0] and "program no-such-program-here was not found" in reported[1]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
def test_a_key_that_can_sign_passes(home: Home, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (home.root / "settings.yaml").write_text(f"signing: {{key: {key}, identity: me@example.org}}", encoding="utf-8")
    check_settings(home, pytest.fail, signs=True)
