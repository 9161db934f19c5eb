"""``hcip check`` as a hospital's analyst meets it: the verdict in words, as JSON and as a page, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hcip_pipeline import cli
from tests.intake_submissions import Draft

#: of the shipped table of hospitals, and an APR-DRG of the shipped tables
CCN = "210043"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        cli.main(["check", *arguments])
    said = capsys.readouterr()
    return int(done.value.code or 0), said.out, said.err


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    draft = (
        Draft(ccn=CCN, count=100).set("discharges", 4, "apr_drg", "9Z9").set("discharges", 5, "account_no", "SECRET-77")
    )
    return draft.write(tmp_path / "2025Q1" / CCN, control={"discharges": 101})


def test_a_refusal_says_why_where_and_what_to_do(capsys: pytest.CaptureFixture[str], refused: Path) -> None:
    page = refused.parent / "page.html"
    code, out, err = run(capsys, str(refused), "--html", str(page))
    assert (code, err) == (1, "")
    assert out.startswith(f"REFUSED: 2025Q1/{CCN}")
    for words in (
        "discharges: 101 stated, 100 read",
        "2 of 100 rows break an ERROR rule, more than 1%",
        "D-APR-DRG-UNKNOWN · apr_drg: 1 row of discharges",
        "line 6\n      Found: 9Z9",
        "C-NO-DISCHARGE · account_no: 3 rows of charges",
        "Looks like: A99999 (9 is any digit, A any letter)",
        "What to do: ",
    ):
        assert words in out
    text = page.read_text(encoding="utf-8")
    assert "would be refused" in text and "S-CONTROL-DIFFERS" in text and "http" not in text
    assert "SECRET" not in out + text and "A00005" not in out + text


def test_machines_get_the_same_facts(capsys: pytest.CaptureFixture[str], refused: Path) -> None:
    code, out, _ = run(capsys, str(refused), "--json")
    told = json.loads(out)
    assert code == 1 and told["accepted"] is False and told["ccn"] == CCN
    assert {problem["rule"] for problem in told["problems"]} == {"S-CONTROL-DIFFERS", "S-ERROR-RATE"}
    assert [file["rows"]["read"] for file in told["files"] if file["table"]] == [100, 300]
    assert {(f["rule"], f["row"], f["value"]) for f in told["findings"]} >= {("D-APR-DRG-UNKNOWN", 6, "9Z9")}


def test_what_is_in_order_is_accepted_wherever_it_lies(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = Draft(ccn=CCN, count=30).write(tmp_path / "to send")
    code, out, _ = run(capsys, str(folder))
    assert code == 0 and out.startswith(f"ACCEPTED: 2025Q1/{CCN}") and "Every row is in order." in out
    assert "whose number most rows carry" in out and "the quarter of most discharges" in out


def test_a_folder_without_a_submission_is_a_usage_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, str(tmp_path))
    assert code == 2 and "the folder holds no submission" in err and "What to do" in err
    Draft(ccn=CCN, count=2).write(tmp_path / CCN)
    code, _, err = run(capsys, str(tmp_path))
    assert code == 2 and "the folder holds 1 submissions" in err
