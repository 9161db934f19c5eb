"""The intake accepts what ``hcip init`` creates: headers, example rows, the policy and the protocol."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from hcip_pipeline import cli
from hcip_pipeline.contracts import hospital, program, reference
from hcip_pipeline.errors import HcipError
from hcip_pipeline.guides.examples import EXAMPLES
from hcip_pipeline.guides.inbox_files import OWN_TABLES, bill_files, hospital_files, program_files, reference_files
from hcip_pipeline.guides.new_home import make_home, policy_text
from hcip_pipeline.intake.program.edits import program_rules
from hcip_pipeline.intake.protocol.ingest import read_protocol, unknown_protocol_files
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.keys import policy_keys
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.rules import ROW_RULES
from hcip_pipeline.reference.tables import load_reference, unknown_reference_files
from hcip_pipeline.tables.contract_columns import read_contract_table

TABLES = {
    **program.TABLES,
    **reference.TABLES,
    **{table.name: table for table in (hospital.DISCHARGES, hospital.CHARGES, hospital.GROUPING)},
}


def test_every_file_that_people_send_is_described_and_has_an_example() -> None:
    described = {file.table.name for file in (*hospital_files(), *bill_files(), *program_files(), *reference_files())}
    assert described == TABLES.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", [*program.TABLES, *reference.TABLES])
def test_an_example_row_passes_the_rules_of_its_table(tmp_path: Path, name: str) -> None:
    table, row = TABLES[name], EXAMPLES[name]
    assert [column.name for column in table.columns if column.name not in row] == [
        column.name for column in table.columns if column.optional and column.name not in row
    ]
    file = tmp_path / f"{name}.csv"
    pl.DataFrame([row]).write_csv(file)
    period = PerformancePeriod(2025, 1)
    rules = program_rules(table, period, ["999001"]) if name in program.TABLES else ROW_RULES.get(name, ())
    checked = read_contract_table(file, table, rules)
    assert checked.frame.height == 1 and not checked.warnings


def test_the_policy_of_a_new_home_has_every_key_at_its_default(tmp_path: Path) -> None:
    made = make_home(tmp_path / "home", "Delmarva", 2024)
    assert load_policy(made.home.policy).policy == Policy(version="Delmarva-2025.1", base_year=2024)
    assert list(yaml.safe_load(policy_text("v", 2024))) == list(Policy.model_fields)
    for key in policy_keys():
        assert key.meaning and (key.bounds or key.type == "text"), key.name


def test_every_file_of_a_new_home_is_known_to_the_intake(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", "Delmarva", 2024).home
    assert not unknown_reference_files(home.inbox) and not unknown_protocol_files(home.inbox)
    with pytest.raises(HcipError, match="no rows"):
        load_reference(home.inbox)  # the region's hospitals and rates are its own
    for name in OWN_TABLES:
        (home.inbox / "reference" / f"{name}.csv").unlink()
    load_reference(home.inbox)
    read_protocol(home.root / "templates" / "protocol.yaml", "210043", {"210043"})
    for path in (home.inbox / "program" / "2025H1").iterdir():
        read_contract_table(path, program.TABLES[path.stem])


def test_maryland_starts_with_the_shipped_hospitals(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", "Maryland", 2024).home
    assert {path.name for path in (home.inbox / "reference").iterdir()} == {"README.md"}
    assert "210043" in load_reference(home.inbox)["hospitals"]["ccn"]


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SystemExit) as done:
        cli.main(["init", str(tmp_path)])
    assert done.value.code == 1 and "the folder is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_init_lists_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["init", str(tmp_path / "new"), "--region", "Delmarva", "--base-year", "2024"])
    printed = capsys.readouterr().out
    assert "1. read README.md" in printed and "hcip run 2025H1" in printed
    for folder in ("hospital", "cms", "program", "protocols", "reference"):
        assert (tmp_path / "new" / "inbox" / folder / "README.md").is_file()
