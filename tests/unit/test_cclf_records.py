"""Records are cut by byte, trimmed, typed and refused as inputs.md specifies."""

import datetime as dt
import io
import re
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.cclf.control import parse_control
from hcip_pipeline.intake.cclf.fixed_width import RecordReader
from hcip_pipeline.synthetic.cclf_records import control_file, encode


def record(table: str, length: int | None = None, **cells: bytes) -> bytes:
    """One record with the given cells; a cell shorter than its field is followed by blanks."""
    layout = LAYOUTS[table]
    out = bytearray(b" " * (length or layout.record_lengths[-1]))
    for field in layout.fields:
        if field.name in cells:
            out[field.offset : field.offset + len(cells[field.name])] = cells[field.name]
    return bytes(out)


def read(table: str, content: bytes, **options) -> tuple[pl.DataFrame, RecordReader]:
    reader = RecordReader(io.BytesIO(content), LAYOUTS[table], table.upper(), **options)
    frames = list(reader)
    return pl.DataFrame(pa.Table.from_batches(frames)) if frames else pl.DataFrame(), reader


def refusal(table: str, content: bytes) -> HcipError:
    with pytest.raises(HcipError) as caught:
        read(table, content)
    return caught.value


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        (b"            12.30", "12.30"),
        (b"-           12.30", "-12.30"),  # the sign is in the first byte
        (b"           -12.30", "-12.30"),
        (b" 00000000000012.30"[:17], "12.3"),
        (b"             0.00", "0.00"),
        (b"   99999999999.99", "99999999999.99"),
        (b"-100000000000.00", "-100000000000.00"),
        (b"", None),
        (b"~", None),
    ],
)
def test_signed_amounts_are_read_with_their_sign(cell, amount):
    rows, _ = read("cclf1", record("cclf1", clm_pmt_amt=cell) + b"\n")
    assert rows["clm_pmt_amt"].dtype == pl.Decimal(18, 2)
    assert rows["clm_pmt_amt"].to_list() == [Decimal(amount) if amount else None]


@pytest.mark.parametrize("cell", [b"1000-01-01", b"9999-12-31", b"~", b"          ", b"~         "])
def test_placeholder_dates_are_null(cell):
    rows, _ = read("cclf8", record("cclf8", bene_death_dt=cell, bene_1st_name=b"~") + b"\n")
    assert rows.select("bene_death_dt", "bene_1st_name").row(0) == (None, None)


def test_identifiers_keep_their_zeros_and_lose_their_padding():
    rows, _ = read("cclf1", record("cclf1", cur_clm_uniq_id=b"  00123", prvdr_oscar_num=b"021301") + b"\n")
    assert rows.select("cur_clm_uniq_id", "prvdr_oscar_num").row(0) == ("00123", "021301")


def test_a_name_that_is_not_ascii_does_not_shift_what_follows():
    cells = {"bene_last_name": "Núñez-Ibáñez".encode(), "geo_zip4_cd": b"1234"}
    rows, reader = read("cclf8", record("cclf8", **cells) + b"\n" + record("cclf8", geo_zip4_cd=b"5678") + b"\n")
    assert rows.select("bene_last_name", "geo_zip4_cd").rows() == [("Núñez-Ibáñez", "1234"), (None, "5678")]
    assert reader.recoded_values == 0


def test_a_single_byte_encoding_is_read_value_by_value():
    content = b"\n".join(
        record("cclf8", bene_last_name=name, geo_zip4_cd=b"1234")
        for name in ("Núñez".encode(), "Núñez".encode("cp1252"), b"Smith", "Šimić".encode("cp1250")[:0] + b"\x8aim")
    )
    rows, reader = read("cclf8", content + b"\n")
    assert rows["bene_last_name"].to_list() == ["Núñez", "Núñez", "Smith", "Šim"]
    assert rows["geo_zip4_cd"].to_list() == ["1234"] * 4
    assert reader.recoded_values == 2


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("trailer", [b"", b"\x1a", b"\n"])
def test_line_ends_and_trailers(line_end, trailer):
    one, two = record("cclf9", crnt_num=b"1"), record("cclf9", crnt_num=b"2")
    rows, reader = read("cclf9", one + line_end + two + line_end + trailer)
    assert rows["crnt_num"].to_list() == ["1", "2"]
    assert (reader.records, reader.record_length) == (2, 55)
    assert read("cclf9", one + line_end + two)[1].records == 2  # no line end after the last


@pytest.mark.slow
def test_reading_in_pieces_gives_the_same_rows():
    content = encode("cclf9", pl.DataFrame({"crnt_num": [str(n) for n in range(1000)]}))
    for piece_bytes in (1, 56, 57, 500, 100_000):
        rows, _ = read("cclf9", content, piece_bytes=piece_bytes)
        assert rows["crnt_num"].to_list() == [str(n) for n in range(1000)]
        assert rows["source_row"].to_list() == list(range(1, 1001))


def test_an_older_generation_has_the_same_columns():
    old, new = (read("cclf1", record("cclf1", length, prvdr_oscar_num=b"210001") + b"\n")[0] for length in (292, 437))
    assert dict(old.schema) == dict(new.schema)
    assert old["clm_cntl_num"].to_list() == [None]


def test_an_empty_file_has_no_records():
    assert read("cclf7", b"")[1].records == 0


def test_refused_lengths_name_the_record():
    error = refusal("cclf9", record("cclf9") + b"\n" + record("cclf9")[:-1] + b"\n" + record("cclf9") + b"\n")
    assert (error.rule, error.row) == ("CCLF-RECORD-LENGTH", 2)
    assert refusal("cclf9", b"x" * 54 + b"\n").rule == "CCLF-RECORD-LENGTH"
    assert refusal("cclf1", (record("cclf1", 292) + b"\n") * 2 + record("cclf1") + b"\n").row == 3


def test_a_truncated_file_is_reported():
    error = refusal("cclf9", (record("cclf9") + b"\n") * 3 + record("cclf9")[:20])
    assert (error.rule, error.row) == ("CCLF-TRUNCATED", 4)
    assert "20 bytes of 55" in error.message
    assert refusal("cclf9", record("cclf9")[:20]).rule == "CCLF-TRUNCATED"


@pytest.mark.parametrize(
    ("table", "cells"),
    [
        ("cclf1", {"clm_from_dt": b"2025-02-30"}),
        ("cclf1", {"clm_from_dt": b"20250230"}),
        ("cclf1", {"clm_pmt_amt": b"            1e.30"}),
        ("cclf1", {"clm_pmt_amt": b"            1e300"}),
        ("cclf1", {"clm_pmt_amt": b"          1,12.30"}),
        ("cclf1", {"clm_pmt_amt": b"  100000000000.01"}),
        ("cclf1", {"clm_pmt_amt": b" +100000000000.01"}),
        ("cclf5", {"clm_line_num": b"       1.5"}),
        ("cclf1", {"clm_oprtnl_ime_amt": b" 999999999999999999.99"}),
    ],
)
def test_a_value_that_cannot_be_read_refuses_and_is_not_shown(table, cells):
    error = refusal(table, (record(table) + b"\n") * 2 + record(table, **cells) + b"\n")
    assert (error.rule, error.row) == ("CCLF-VALUE", 3)
    assert next(iter(cells)).upper() in error.message
    assert next(iter(cells.values())).decode().strip() not in str(error)


NUMBER_CELLS = st.one_of(
    st.decimals(-(10**11), 10**11, places=2).map(lambda d: f"{d:>17}"),
    st.decimals(0, 10**9, places=2).map(lambda d: f"-{d:>16}"),
    st.decimals(-100, 100, places=3).map(str),
    st.text(" -.0123456789~e+", max_size=17),
    st.sampled_from(["", "~", "-", ".", "-.50", " .5", "007.10", "- 1.00", "1 2.00", "1- 2.00", "--1.00"]),
)


@settings(max_examples=150, deadline=None)
@given(cells=st.lists(NUMBER_CELLS, min_size=1, max_size=6))
def test_amounts_equal_a_plain_reading_of_each_cell(cells):
    """All cells of a field are read at once, so a record must not change another's value."""
    cells = [cell.encode()[:17] for cell in cells]
    content = b"".join(record("cclf1", clm_pmt_amt=cell) + b"\n" for cell in cells)
    expected, wrong = [], []
    for row, cell in enumerate(cells, start=1):
        text = re.sub(r"^-\s+", "-", cell.decode().strip(" "))
        if text in ("", "~"):
            expected.append(None)
        elif re.fullmatch(r"[-+]?([0-9]+(\.[0-9]{0,8})?|\.[0-9]{1,8})", text) and abs(Decimal(text)) <= 10**11:
            expected.append(Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP))
        else:
            wrong.append(row)
    if wrong:
        error = refusal("cclf1", content)
        assert (error.rule, error.row) == ("CCLF-VALUE", wrong[0])
    else:
        assert read("cclf1", content)[0]["clm_pmt_amt"].to_list() == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(" ~Aé\u00a0", max_size=8), min_size=1, max_size=5))
def test_texts_lose_only_the_blanks_around_them(texts):
    cells = [text.encode()[:11].decode(errors="ignore") for text in texts]
    content = b"".join(record("cclf1", bene_mbi_id=cell.encode()) + b"\n" for cell in cells)
    expected = [None if cell.strip(" ") in ("", "~") else cell.strip(" ") for cell in cells]
    assert read("cclf1", content)[0]["bene_mbi_id"].to_list() == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dates() | st.sampled_from(["1000-01-01", "9999-12-31", "~", ""]), min_size=1, max_size=5))
def test_every_date_of_the_calendar_is_read(dates):
    content = b"".join(record("cclf1", clm_from_dt=str(date).encode()) + b"\n" for date in dates)
    expected = [
        date if isinstance(date, dt.date) and str(date) not in ("1000-01-01", "9999-12-31") else None for date in dates
    ]
    assert read("cclf1", content)[0]["clm_from_dt"].to_list() == expected


def test_more_places_than_the_format_are_rounded_half_away_from_zero_and_counted():
    content = b"".join(record("cclf1", clm_pmt_amt=v) + b"\n" for v in (b"0.125", b"-0.125", b"12", b"1.00"))
    rows, reader = read("cclf1", content)
    assert [str(v) for v in rows["clm_pmt_amt"]] == ["0.13", "-0.13", "12.00", "1.00"]
    assert reader.rounded_values == 2


def test_written_records_are_read_back_unchanged():
    rows = pl.DataFrame(
        {
            "bene_mbi_id": ["1A", "2É"], "bene_dob": [dt.date(1950, 1, 2), None], "bene_age": [75, None],
            "bene_last_name": ["Gómez", None],
        }
    )  # fmt: skip
    back, _ = read("cclf8", encode("cclf8", rows))
    assert back.select(rows.columns).rows() == rows.rows()
    amounts = pl.DataFrame({"clm_line_cvrd_pd_amt": [Decimal("-12.30"), Decimal("0.00"), None]})
    assert read("cclf5", encode("cclf5", amounts, 363))[0]["clm_line_cvrd_pd_amt"].to_list() == [
        Decimal("-12.30"), Decimal("0.00"), None,
    ]  # fmt: skip


def test_control_file_lines_of_69_or_70_and_odd_lengths():
    content = control_file({"cclf9": record("cclf9") + b"\n"})
    line = content.splitlines()[1]
    assert len(line) == 69
    for text in (content, content + b" ", content.replace(line, line + b" "), content.replace(b"\n", b"\r\n")):
        control = parse_control(text, "CCLF0")
        assert (control.lines["cclf9"].records, control.lines["cclf9"].record_length) == (1, 55)
    misstated = parse_control(content.replace(b"|   55", b"|   54"), "CCLF0")
    assert "CCLF-STATED-LENGTH" in {warning.rule for warning in misstated.warnings}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda c: b"", "CCLF-CONTROL-UNREADABLE"),
        (lambda c: c.splitlines()[0], "CCLF-CONTROL-UNREADABLE"),
        (lambda c: c.replace(b"\n", b"", 1), "CCLF-CONTROL-UNREADABLE"),
        (lambda c: c.replace(b"CCLF9", b"CCLFZ"), "CCLF-CONTROL-UNREADABLE"),
        (lambda c: c.replace(b"          1|", b"          x|"), "CCLF-CONTROL-UNREADABLE"),
        (lambda c: c.replace(b"          1|", b"9" * 5000 + b"|"), "CCLF-CONTROL-UNREADABLE"),
        (lambda c: c + c.splitlines()[1], "CCLF-CONTROL-NAMES-TWICE"),
    ],
)
def test_unreliable_control_files_are_refused(change, rule):
    content = control_file({"cclf9": record("cclf9") + b"\n"})
    with pytest.raises(HcipError) as caught:
        parse_control(change(content), "CCLF0")
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("table", "field", "cell", "code"),
    [
        ("cclf1", "clm_adjsmt_type_cd", b"01", "1"),
        ("cclf1", "clm_adjsmt_type_cd", b"1 ", "1"),
        ("cclf1", "clm_adjsmt_type_cd", b"00", "0"),
        ("cclf1", "bene_ptnt_stus_cd", b" 2", "02"),
        ("cclf1", "bene_ptnt_stus_cd", b"2 ", "02"),
        ("cclf1", "bene_ptnt_stus_cd", b"30", "30"),
        ("cclf1", "clm_admsn_src_cd", b"04", "4"),
        ("cclf1", "clm_admsn_src_cd", b" D", "D"),
        ("cclf1", "clm_admsn_type_cd", b"03", "3"),
        ("cclf1", "dgns_drg_cd", b" 65 ", "065"),
        ("cclf1", "dgns_drg_cd", b"0470", "470"),
        ("cclf5", "clm_carr_pmt_dnl_cd", b"01", "1"),
        ("cclf5", "clm_adjsmt_type_cd", b"02", "2"),
        ("cclf2", "clm_line_prod_rev_ctr_cd", b" 450", "0450"),
        ("cclf8", "bene_zip_cd", b"2101 ", "02101"),
    ],
)
def test_codes_have_the_digits_of_their_domain(table: str, field: str, cell: bytes, code: str) -> None:
    other = b" " * len(cell)
    rows, reader = read(table, record(table, **{field: cell}) + b"\n" + record(table, **{field: other}) + b"\n")
    assert rows[field].to_list() == [code, None]
    assert reader.widened_values == (cell.strip().decode() != code)


@pytest.mark.parametrize("table", ["cclf1", "cclf5", "cclf6"])
@pytest.mark.parametrize("code", [b"3", b"9", b"A", b"12"])
def test_an_adjustment_code_that_cms_does_not_have_is_refused_with_its_record(table, code):
    good = b"".join(record(table, clm_adjsmt_type_cd=each) + b"\n" for each in (b"0", b"01", b" 2", b""))
    fault = refusal(table, good + record(table, clm_adjsmt_type_cd=code) + b"\n")
    assert fault.rule == "CCLF-VALUE" and fault.row == 5
    assert "CLM_ADJSMT_TYPE_CD" in fault.message and "one of 0, 1, 2" in fault.message


def test_part_d_may_have_other_adjustment_codes():
    rows, _ = read("cclf7", record("cclf7", clm_adjsmt_type_cd=b"R") + b"\n")
    assert rows["clm_adjsmt_type_cd"].to_list() == ["R"]
