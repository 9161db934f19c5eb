"""Program and reference files as spreadsheets save them: read like the plain file, and reported."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from hcip_pipeline.contracts import program, reference
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.tables.contract_columns import read_contract_table
from hcip_pipeline.tables.refusals import TableRefusedError
from hcip_pipeline.tables.table_shapes import find_table
from hcip_pipeline.tables.tabular import LINE

POOLS = "hospital_ccn,incentive_pool,contested,notice_date\n210043,1234.50,Y,2025-03-14\n210001,12.00,N,2025-11-02\n"
PLAIN = [
    ("210043", Decimal("1234.50"), "Y", dt.date(2025, 3, 14)),
    ("210001", Decimal("12.00"), "N", dt.date(2025, 11, 2)),
]


def read(path: Path, table: Table = program.POOL_NOTICES) -> tuple[list[tuple[object, ...]], set[str]]:
    found = read_contract_table(path, table)
    return found.frame.drop(LINE).rows(), set(found.warning_counts)


TEXTS: dict[str, tuple[Callable[[str], str | bytes], set[str]]] = {
    "yes and no": (lambda t: t.replace("Y", "YES").replace(",N,", ",no,"), {"CODE-SPELLING"}),
    "1 and 0": (lambda t: t.replace(",Y,", ",1,").replace(",N,", ",0,"), {"CODE-SPELLING"}),
    "small letters": (lambda t: t.replace(",Y,", ",y,").replace(",N,", ",n,"), {"CODE-SPELLING"}),
    "dates month first": (lambda t: t.replace("2025-03-14", "3/14/2025").replace("2025-11-02", "11/2/2025"),
                          {"DATE-FORM"}),
    "dates with a time": (lambda t: t.replace("03-14", "03-14 00:00:00").replace("11-02", "11-02 00:00:00"),
                          {"DATE-FORM"}),
    "money with signs": (lambda t: t.replace("1234.50", '"$1,234.50"'), {"NUMBER-FORM"}),
    "semicolons": (lambda t: t.replace(",", ";"), {"FILE-DELIMITER"}),
    "tabs": (lambda t: t.replace(",", "\t"), {"FILE-DELIMITER"}),
    "capitals": (lambda t: t.split("\n", 1)[0].upper() + "\n" + t.split("\n", 1)[1], set()),
    "text marks": (lambda t: t.replace("210043", '"=""210043"""'), {"CELL-BLANKS"}),
    "floats": (lambda t: t.replace("210043", "210043.0").replace("210001", "210001.0"), {"CODE-PADDED"}),
    "empty rows": (lambda t: t + ",,,\n\n,,,\n", set()),
}  # fmt: skip


@pytest.mark.parametrize("how", TEXTS)
def test_a_spreadsheets_csv_is_read_like_the_plain_file(tmp_path: Path, how: str) -> None:
    change, reported = TEXTS[how]
    path = tmp_path / "pool_notices.csv"
    text = change(POOLS)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert read(path) == (PLAIN, reported)


def _zip(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("pool.csv", content)
    return packed.getvalue()


def _workbook(content: bytes) -> bytes:
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        sheet = book.add_worksheet("Pool_Notices")
        book.add_worksheet("notes")
        day = book.add_format({"num_format": "mm/dd/yyyy"})
        sheet.write_row(1, 0, ["Hospital_CCN", "incentive_pool", "contested", "notice_date"])
        for n, (ccn, pool, contested, noticed) in enumerate(PLAIN, start=2):
            sheet.write_number(n, 0, int(ccn))
            sheet.write_number(n, 1, float(pool))
            sheet.write_string(n, 2, contested)
            sheet.write_datetime(n, 3, dt.datetime.combine(noticed, dt.time()), day)
    return packed.getvalue()


def _parquet(content: bytes) -> bytes:
    packed = io.BytesIO()
    frame = pl.DataFrame(PLAIN, schema=["hospital_ccn", "incentive_pool", "contested", "notice_date"], orient="row")
    frame.with_columns(pl.col("notice_date").cast(pl.Datetime("ns"))).write_parquet(packed)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [("POOL_NOTICES.CSV", bytes), ("pool_notices.csv.gz", gzip.compress), ("pool_notices.csv.zip", _zip),
     ("Pool_Notices.xlsx", _workbook), ("pool_notices.parquet", _parquet)],
)  # fmt: skip
def test_a_table_is_found_and_read_in_every_shape(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / name).write_bytes(pack(POOLS.encode()))
    path = find_table(tmp_path, "pool_notices")
    assert path.name == name
    assert read(path)[0] == PLAIN
    (tmp_path / "pool_notices.csv").write_text(POOLS)
    with pytest.raises(TableRefusedError, match="2 times"):
        find_table(tmp_path, "pool_notices")


def test_windows_1252_is_read_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "hospitals.csv"
    path.write_bytes("ccn,name,acute,county,system\n210043,Ménière,Y,,\n".encode("cp1252"))
    rows, reported = read(path, reference.HOSPITALS)
    assert rows[0][1] == "Ménière" and reported == {"FILE-WINDOWS-1252"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda t: t.replace("2025-11-02", "11/2/2025"), "CELL-FORMAT"),
        (lambda t: t.replace("2025-03-14", "14/3/2025").replace("2025-11-02", "2/11/2025"), "CELL-FORMAT"),
        (lambda t: t.replace("1234.50", "1E+05"), "DIGITS-LOST"),
        (lambda t: t.replace("1234.50", "12.345"), "CELL-FORMAT"),
        (lambda t: t.replace(",Y,", ",maybe,"), "VALUE-NOT-ALLOWED"),
        (lambda t: t + "Total,1246.50,,\n", "TOTAL-ROW"),
        (lambda t: "Pool notices of the half-year\n" + t, "TITLE-ROW"),
        (lambda t: t + t, "HEADER-REPEATED"),
        (lambda t: t.replace("incentive_pool", "incentive pool", 1), "COLUMN-MISSING"),
    ],
)
def test_ambiguous_files_are_refused(tmp_path: Path, change: Callable[[str], str], rule: str) -> None:
    path = tmp_path / "pool_notices.csv"
    path.write_text(change(POOLS))
    with pytest.raises(TableRefusedError) as caught:
        read(path)
    errors = [problem.rule for problem in caught.value.problems if problem.severity == "ERROR"]
    assert set(errors) == {rule}


def test_codes_get_their_zeros_back(tmp_path: Path) -> None:
    path = tmp_path / "revenue_codes.csv"
    path.write_text("revenue_code_from,revenue_code_to,rate_center\n110,120,MSG\n360,369.0,ORC\n")
    rows, reported = read(path, reference.REVENUE_CODES)
    assert rows == [("0110", "0120", "MSG"), ("0360", "0369", "ORC")] and reported == {"CODE-PADDED"}


def test_unmapped_is_known_without_a_row_of_its_own(tmp_path: Path) -> None:
    shipped = load_reference(None)["rate_centers"]
    (tmp_path / "reference").mkdir()
    own = shipped.filter(pl.col("rate_center") != "UNMAPPED")
    own.write_csv(tmp_path / "reference" / "rate_centers.csv")
    assert load_reference(tmp_path)["rate_centers"].equals(shipped)
