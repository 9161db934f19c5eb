"""Files of any state, tested with an invented third state: one file, recognized by its header, with its own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import TEXAS
from hcip_pipeline.intake.state_files.edits import Edit, money, study_database, text
from hcip_pipeline.intake.state_files.reading import FileReader, StateFiles

# the ids of Texas stand in for a state's own
_STATE = StateFiles("", "TEXAS", {"stays": ("REC", "FAC", "OR")}, TEXAS)
_READINGS = {"hospital": text("fac"), "theater": money('"or"')}
_EDITS = (Edit("TEXAS-HOSPITAL", "fac", "hospital is null"),)


def _reader(tmp_path: Path, content: str, database: object) -> FileReader:
    path = tmp_path / "stays.txt"
    path.write_text(content)
    return FileReader(database, _STATE, "2021", tmp_path, {"stays": path})  # type: ignore[arg-type]


@pytest.mark.parametrize("separator", ["\t", "|", ";", "~"])
def test_a_file_with_a_header_is_read_in_any_order_of_its_fields(tmp_path: Path, separator: str) -> None:
    rows = [("OR", "Note", "FAC", "REC"), ("12.50", "a, b", "7", "1"), ("3", '"x"', "", "2"), ("cut",)]
    content = "".join(separator.join(row) + "\n" for row in rows)
    with study_database(tmp_path) as database:
        reader = _reader(tmp_path, content, database)
        reader.lines("stays", "records", _READINGS)
        database.execute("create table cells as from records")
        reader.judge("stays", "records", _EDITS)
        assert [str(value) for value in database.execute("select theater from accepted").fetchall()[0]] == ["12.50"]
    (file,) = reader.files
    assert (file.rows_read, file.accepted, file.error_rows, file.quarantined) == (3, 1, 2, 2)
    assert reader.rows_under("TEXAS-MALFORMED-ROW") == (1, 4) and reader.rows_under("TEXAS-HOSPITAL") == (1, 3)
    assert reader.rows_under("TEXAS-CHARGE") == (0, 0)


@pytest.mark.parametrize("content", ["REC,FAC,OR\n1,7,3\n", "REC|FAC\n1|7\n", "1|7|3\n"])
def test_a_file_without_its_fields_is_refused(tmp_path: Path, content: str) -> None:
    with study_database(tmp_path) as database, pytest.raises(HcipError) as caught:
        _reader(tmp_path, content, database)
    assert (caught.value.rule, caught.value.row) == ("TEXAS-LAYOUT", 1)


def test_a_computed_column_never_replaces_a_cell(tmp_path: Path) -> None:
    with study_database(tmp_path) as database:
        reader = _reader(tmp_path, "REC|FAC|OR\n1|7|3\n", database)
        with pytest.raises(ValueError, match="fac"):
            reader.lines("stays", "records", {"fac": "upper(fac)"})
        with pytest.raises(Exception, match="nonsense"):  # an error in the readings is not a fault of the file
            reader.lines("stays", "records", {"hospital": "nonsense"})
