"""``hcip verify`` as an auditor uses it: without the pipeline, with a list of its checks and an exit code."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hcip_pipeline import cli
from hcip_pipeline.release import verification
from tests import mutants
from tests.released_state import A, released

__all__ = ["released"]

pytestmark = pytest.mark.slow

PACKAGE = Path(verification.__file__).parent
#: needed besides the standard library
NEEDED = {"yaml", "pyarrow", "cryptography", "rfc3161_client"}


def test_verification_imports_nothing_of_the_pipeline() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level == 1, f"{path.name} reaches out of its own folder"
                continue
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names | NEEDED, f"{path.name} imports {name}"


def test_verification_runs_without_the_pipeline(released: Path, tmp_path: Path) -> None:
    """As if copied to a machine without the pipeline."""
    shutil.copytree(PACKAGE, tmp_path / "auditor", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.modules['hcip_pipeline'] = None; "
        f"sys.argv = ['auditor', {str(released)!r}]; import runpy; runpy.run_module('auditor', run_name='__main__')"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "every figure was reproduced" in ran.stdout


def verify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(["verify", *arguments])
        raise SystemExit(0)
    captured = capsys.readouterr()
    code = ended.value.code
    assert isinstance(code, int)
    return code, captured.out + captured.err


def test_verification_states_what_it_checked(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = verify(capsys, str(released))
    assert code == 0
    for rule in (
        "performance",
        "improvement",
        "conditions",
        "fee_schedule_cap",
        "distribution_limit",
        "norm_percentiles",
    ):
        assert rule in output
    assert "$" in output


def test_a_cent_of_difference_is_reported_by_file_and_row(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = mutants.copy_of(released, tmp_path)
    mutants.forge_cell(copy, "incentives", A, 2, "final_incentive", lambda cell: "0.01")
    code, output = verify(capsys, str(copy))
    assert code == 1
    assert f"incentives/HCIP_{A}_incentives_2025H2_r1.csv, row 2" in output
    assert "found 0.01" in output


def test_json_has_the_same_facts(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = verify(capsys, str(released), "--json")
    facts = json.loads(output)
    assert (code, facts["ok"]) == (0, True)


def test_a_folder_that_is_not_a_release_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = verify(capsys, str(tmp_path))
    assert code == 1
    assert "What to do" in output


def test_a_release_with_counts_that_can_be_computed_is_listed(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its manifest does not name the rule that its public tables follow; that by itself is no difference."""
    _, output = verify(capsys, str(released))
    own = f"{released.parent.name}/{released.name}"
    assert "Made before" not in output
    folder = tmp_path / "releases" / released.parent.name / released.name
    shutil.copytree(released, folder)
    manifest = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert manifest.pop("privacy") == {"rule": "every-reader", "small_cell_threshold": 10}
    (folder / "datapackage.json").write_text(json.dumps(manifest), encoding="utf-8")
    _, output = verify(capsys, str(folder))
    listed = output.partition("Made before small counts were hidden in every column")[2]
    assert own in listed and "Do not pass these on" in listed


def test_a_release_that_a_hospital_can_subtract_from_is_listed(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "releases" / released.parent.name / released.name
    shutil.copytree(released, folder)
    manifest = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    manifest["privacy"]["rule"] = "every-column"
    (folder / "datapackage.json").write_text(json.dumps(manifest), encoding="utf-8")
    _, output = verify(capsys, str(folder))
    own = f"{released.parent.name}/{released.name}"
    assert own in output.partition("Made before small counts were hidden from other hospitals")[2]
    assert "hidden in every column" not in output


def test_a_release_from_before_the_tables_of_programs_gets_one_difference(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(released.parents[1], tmp_path / "releases")
    folder = tmp_path / "releases" / released.parent.name / released.name
    manifest = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    del manifest["privacy"]
    gone = ("HCIP_STATE_programs_", "HCIP_STATE_program_changes_", "HCIP_STATE_other_programs_")
    manifest["resources"] = [r for r in manifest["resources"] if not r["path"].split("/")[-1].startswith(gone)]
    for path in (folder / "audit").iterdir():
        if path.name.startswith(gone):
            path.unlink()
    (folder / "datapackage.json").write_text(json.dumps(manifest), encoding="utf-8")
    code, output = verify(capsys, str(folder))
    assert code == 1
    assert "made the release before these tables existed" in output
    assert "every payment: to recompute it, use version" in output
    assert output.count(": expected ") == 1, "one difference, even if such a release lacks more"
