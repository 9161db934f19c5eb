"""Strict CSV: what is accepted is read by RFC 4180, on the right lines; the rest is refused, and nothing crashes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcip_pipeline.files.received import Ceiling
from hcip_pipeline.tables.refusals import TableRefusedError
from hcip_pipeline.tables.tabular import LINE, TextTable, parse_text_table, read_text_table

PATH = Path("file.csv")

CELLS = st.text(st.sampled_from('ab1é,"\n =+-@;|\t'), max_size=8)


def rows(table: TextTable) -> list[tuple[str | None, ...]]:
    return table.frame.drop(LINE).rows()


def lines(table: TextTable) -> list[int]:
    return table.frame.get_column(LINE).to_list()


def stripped(cell: str) -> str | None:
    return cell.strip() or None


@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6)),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
)
def test_what_a_csv_writer_wrote_is_read_back_with_its_lines(
    body: list[list[str]], line_end: str, quoting: int, has_bom: bool
) -> None:
    width = len(body[0]) if body else 2
    header = [f"c{i}" for i in range(width)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(header)
    starts = []
    for row in body:
        starts.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    table = parse_text_table((b"\xef\xbb\xbf" if has_bom else b"") + text.getvalue().encode(), PATH)
    kept = [(tuple(map(stripped, row)), start) for row, start in zip(body, starts, strict=True)]
    filled = [(row, start) for row, start in kept if any(cell is not None for cell in row)]
    assert table.header == tuple(header)
    assert list(zip(rows(table), lines(table), strict=True)) == filled


VALID = b'npi,name,amount\n1234567893,"Gray, ""Kim""",10.00\r\n1215000005,"two\nlines",-3\n,,\n1122334456,x,0\n'
EDITS = st.lists(
    st.tuples(
        st.integers(0, len(VALID)),
        st.integers(0, 3),
        st.sampled_from(
            [b"", b'"', b",", b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"\xc3\xa9", b" ", b'""', b"\xe2\x80", b"="]
        ),
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(EDITS)
def test_a_damaged_file_is_refused_or_reads_as_the_csv_module_reads_it(edits: list[tuple[int, int, bytes]]) -> None:
    damaged = VALID
    for at, removed, inserted in edits:
        damaged = damaged[:at] + inserted + damaged[at + removed :]
    try:
        table = parse_text_table(damaged, PATH)
    except TableRefusedError as error:
        assert error.problems and error.fix
        return
    plain = damaged.removeprefix(b"\xef\xbb\xbf")
    text = plain.decode("cp1252" if any(note.rule == "FILE-WINDOWS-1252" for note in table.notes) else "utf-8")
    oracle = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    assert table.header == tuple(cell.strip().lower() for cell in oracle[0])
    expected = [tuple(map(stripped, row)) for row in oracle[1:]]
    assert rows(table) == [row for row in expected if any(cell is not None for cell in row)]


@pytest.mark.parametrize(
    ("raw", "rule", "row"),
    [
        (b"", "FILE-EMPTY", None),
        (b"\xef\xbb\xbf", "FILE-EMPTY", None),
        (b"\n\r\n \n", "FILE-EMPTY", None),
        ("a,b\n1,2\n".encode("utf-16"), "FILE-ENCODING", None),
        ("a,b\n1,2\n".encode("utf-16-le"), "FILE-ENCODING", None),
        (b"a,b\n1,\x00\n", "FILE-NUL", 2),
        (b"a,b\n1,2\nx,Jos\x81\n", "FILE-ENCODING", 3),
        (b"A title\na,b\n1,2\n", "TITLE-ROW", 1),
        (b"a,b\n1,2\nA,B\n3,4\n", "HEADER-REPEATED", 3),
        (b"a,b\n1,2\nGrand Total,2\n", "TOTAL-ROW", 3),
        (b"a,b\r1,2\r", "FILE-LINE-ENDS", 1),
        (b'a,b\n1,"2\n3,4\n', "QUOTE-OPEN", 2),
        (b'a,b\n1,2" pipe\n', "QUOTE-BARE", 2),
        (b'a,b\n1,"2"x\n', "QUOTE-BARE", 2),
        (b"a,b\n1\n", "ROW-RAGGED", 2),
        (b'a,b\n"1\n1",2\n3,4,5\n', "ROW-RAGGED", 4),
        (b"a,a\n1,2\n", "COLUMN-REPEATED", 1),
        (b"a,,\n1,2,3\n", "COLUMN-REPEATED", 1),
    ],
)
def test_each_structural_fault_has_its_rule_and_line(raw: bytes, rule: str, row: int | None) -> None:
    with pytest.raises(TableRefusedError) as caught:
        parse_text_table(raw, PATH)
    assert [(problem.rule, problem.row) for problem in caught.value.problems] == [(rule, row)]
    assert caught.value.rule == rule


def test_blank_lines_and_rows_of_separators_are_left_out_and_counted() -> None:
    table = parse_text_table(b"\na,b\n\n1,2\n,\n \t , \n\n3,4", PATH)
    assert rows(table) == [("1", "2"), ("3", "4")]
    assert lines(table) == [4, 8]
    assert table.blank_rows == 2


def test_a_huge_cell_is_read_whole() -> None:
    table = parse_text_table(b"a,b\n1," + b"x" * 3_000_000 + b"\n", PATH)
    assert len(rows(table)[0][1] or "") == 3_000_000


def test_a_link_a_folder_and_a_file_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "there.csv"
    target.write_text("a\n1\n")
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    for path, rule in ((link, "FILE-IS-LINK"), (folder, "FILE-NOT-REGULAR")):
        with pytest.raises(TableRefusedError) as caught:
            read_text_table(path)
        assert caught.value.rule == rule
    monkeypatch.setattr("hcip_pipeline.tables.tabular.TABLE", Ceiling(3))
    with pytest.raises(TableRefusedError) as caught:
        read_text_table(target)
    assert caught.value.rule == "FILE-TOO-LARGE"
