"""A month of CMS files is accepted as a whole, or refused with a message of its own."""

import datetime as dt
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcip_pipeline import cli
from hcip_pipeline.assets.execution import IngestReport
from hcip_pipeline.contracts.cms import LAYOUTS, TABLES
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf import ArchiveReceipt, check_deliveries, files_in_force, ingest_month, receipts
from hcip_pipeline.operations.summary import print_ingest
from hcip_pipeline.synthetic.cclf_records import archive_name, encode, member_name, members, write_archive

APRIL = dt.date(2025, 4, 15)
MBI = "1A00A00AA01"


def frames(claim: str = "1", links: tuple[tuple[str, str], ...] = ()) -> dict[str, pl.DataFrame]:
    return {
        "cclf1": pl.DataFrame({"cur_clm_uniq_id": [claim], "bene_mbi_id": [MBI], "clm_from_dt": [APRIL]}),
        "cclf8": pl.DataFrame({"bene_mbi_id": [MBI], "bene_last_name": ["Núñez"]}),
        "cclf9": pl.DataFrame(
            [("M", current, previous) for previous, current in links],
            schema=["hicn_mbi_xref_ind", "crnt_num", "prvs_num"],
            orient="row",
        ),
    }


def files(**options) -> dict[str, bytes]:
    given = frames(**options)
    return {table: encode(table, given.get(table, pl.DataFrame())) for table in LAYOUTS}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def inbox(home: Home, month: str = "2025-04") -> Path:
    folder = home.inbox / "cms" / month
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def deliver(home: Home, file_date: dt.date = APRIL, content: dict[str, bytes] | None = None, **name) -> Path:
    content = files() if content is None else content
    return write_archive(inbox(home, f"{file_date:%Y-%m}"), archive_name("A1234.ACO", file_date, **name), content)


def only(results: list[ArchiveReceipt]) -> ArchiveReceipt:
    assert len(results) == 1
    return results[0]


def rule_of(home: Home, month: str = "2025-04") -> str:
    receipt = only(ingest_month(home, month))
    assert receipt.status == "refused"
    assert receipt.message
    assert receipt.fix
    assert not files_in_force(home, "cclf1", ["2025-04"])
    return receipt.rule


def test_an_archive_becomes_one_typed_file_per_table(home):
    deliver(home)
    receipt = only(ingest_month(home, "2025-04"))
    assert receipt.accepted, receipt
    for table in LAYOUTS:
        frame = pl.read_parquet(files_in_force(home, table, ["2025-04"]))
        assert dict(frame.schema) == TABLES[table].schema
    claims = pl.read_parquet(files_in_force(home, "cclf1", ["2025-04"]))
    lineage = claims.select("source_file", "source_row", "file_date", "delivery_month", "is_run_out").row(0)
    assert lineage == ("P.A1234.ACO.ZC1Y25.D250415.T0100000", 1, APRIL, "2025-04", False)
    assert {file.table: file.records_read for file in receipt.files if file.records_read} == {"cclf1": 1, "cclf8": 1}


def test_unzipped_files_are_the_same_archive(home, tmp_path):
    name = archive_name("A1234.ACO", APRIL)
    for member, content in members(name, files()).items():
        (inbox(home) / member).write_bytes(content)
    loose = only(ingest_month(home, "2025-04"))
    assert loose.accepted
    other = Home(tmp_path / "other")
    deliver(other)
    assert only(ingest_month(other, "2025-04")).files == loose.files


def test_the_same_archive_again_has_the_same_receipt_and_the_same_bytes(home, tmp_path):
    deliver(home)
    first = only(ingest_month(home, "2025-04"))
    written = {path: path.read_bytes() for path in home.lake.rglob("*") if path.is_file()}
    assert only(ingest_month(home, "2025-04")) == first
    other = Home(tmp_path / "other")
    deliver(other)
    ingest_month(other, "2025-04")
    assert {p.relative_to(other.root): p.read_bytes() for p in other.lake.rglob("*") if p.is_file()} == {
        p.relative_to(home.root): content for p, content in written.items()
    }


def test_run_out_files_exist_next_to_the_monthly_ones(home):
    deliver(home)
    deliver(home, content=files(claim="2"), run_out=True, year=2024)
    assert [r.accepted for r in ingest_month(home, "2025-04")] == [True, True]
    claims = pl.read_parquet(files_in_force(home, "cclf1", ["2025-04"]))
    assert claims.select("cur_clm_uniq_id", "is_run_out").rows() == [("2", True), ("1", False)]


def test_a_newer_archive_of_the_month_replaces_the_older(home):
    deliver(home)
    ingest_month(home, "2025-04")
    deliver(home, APRIL + dt.timedelta(days=1), files(claim="9"))
    assert all(r.accepted for r in ingest_month(home, "2025-04"))
    assert pl.read_parquet(files_in_force(home, "cclf1"))["cur_clm_uniq_id"].to_list() == ["9"]


def test_an_older_or_changed_archive_is_refused(home):
    newer = deliver(home)
    ingest_month(home, "2025-04")
    older = deliver(home, APRIL - dt.timedelta(days=1), files(claim="9"))
    assert [r.rule for r in ingest_month(home, "2025-04")] == ["CCLF-OLDER", ""]
    older.unlink()
    newer.unlink()
    deliver(home, content=files(claim="9"))
    assert only(ingest_month(home, "2025-04")).rule == "CCLF-CHANGED"
    assert pl.read_parquet(files_in_force(home, "cclf1"))["cur_clm_uniq_id"].to_list() == ["1"]


def test_months_may_arrive_in_any_order(home):
    deliver(home, dt.date(2025, 5, 15))
    deliver(home)
    assert only(ingest_month(home, "2025-05")).accepted
    assert only(ingest_month(home, "2025-04")).accepted
    assert len(files_in_force(home, "cclf1", ["2025-04", "2025-05"])) == 2


def test_a_missing_file_that_the_control_file_names_is_refused(home):
    path = deliver(home)
    rezip(path, lambda name, content: None if ".ZC5Y" in name else content)
    assert rule_of(home) == "CCLF-FILE-MISSING"


def rezip(path: Path, change) -> None:
    """Rewrite an archive with every member changed, or left out if ``change`` returns None."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, before in content.items():
            if (after := change(name, before)) is not None:
                archive.writestr(name, after)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda n, c: None if ".ZC0Y" in n else c, "CCLF-NO-CONTROL"),
        (lambda n, c: c * 2 if ".ZC1Y" in n else c, "CCLF-COUNT"),
        (lambda n, c: b"" if ".ZC1Y" in n else c, "CCLF-COUNT"),
        (lambda n, c: c[:-30] if ".ZC1Y" in n else c, "CCLF-TRUNCATED"),
        (lambda n, c: c[:100] + c[101:] if ".ZC1Y" in n else c, "CCLF-RECORD-LENGTH"),
        (lambda n, c: c.replace(b"2025-04-15", b"2025-04-31") if ".ZC1Y" in n else c, "CCLF-VALUE"),
        (lambda n, c: b"\n".join(c.splitlines()[:-1]) if ".ZC0Y" in n else c, "CCLF-FILE-NOT-LISTED"),
    ],
)
def test_each_fault_has_its_own_message(home, change, rule):
    rezip(deliver(home), change)
    assert rule_of(home) == rule


def test_an_archive_with_a_file_twice_is_refused(home):
    path = deliver(home)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("again/" + member_name(path.name, "cclf1"), b"")
    assert rule_of(home) == "CCLF-FILE-TWICE"


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("D250415", "D250315", "CCLF-OTHER-MONTH"),
        ("ZC1Y25", "ZC1R25", "CCLF-OTHER-SERIES"),
        ("A1234.ACO.ZC1", "A9999.ACO.ZC1", "CCLF-OTHER-ORGANIZATION"),
    ],
)
def test_a_member_of_another_month_or_series_is_refused(home, before, after, rule):
    name = archive_name("A1234.ACO", APRIL)
    with zipfile.ZipFile(inbox(home) / name, "w") as archive:
        for member, content in members(name, files()).items():
            archive.writestr(member.replace(before, after) if ".ZC1Y" in member else member, content)
    assert rule_of(home) == rule


def test_an_archive_of_another_month_is_refused(home):
    deliver(home, dt.date(2025, 5, 15)).rename(inbox(home) / archive_name("A1234.ACO", dt.date(2025, 5, 15)))
    assert rule_of(home) == "CCLF-OTHER-MONTH"


@pytest.mark.parametrize("member", ["../../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:evil"])
def test_a_path_that_leads_out_of_the_archive_is_refused(home, tmp_path, member):
    with zipfile.ZipFile(deliver(home), "a") as archive:
        archive.writestr(member, b"x")
    assert rule_of(home) == "CCLF-UNSAFE-MEMBER"
    assert not list(tmp_path.rglob("*evil*"))


def test_links_are_refused_inside_and_outside(home, tmp_path):
    path = deliver(home)
    link = zipfile.ZipInfo(member_name(path.name, "cclf1").replace("T0100000", "T0100001"))
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert rule_of(home) == "CCLF-UNSAFE-MEMBER"
    path.rename(tmp_path / path.name)
    path.symlink_to(tmp_path / path.name)
    assert rule_of(home) == "CCLF-LINK"


def test_a_file_that_would_expand_too_far_is_refused(home):
    path = deliver(home)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("blank.txt", b" " * 60_000_000)
    assert rule_of(home) == "CCLF-EXPANSION"


def test_damage_is_found_while_reading(home):
    path = deliver(home, content=files() | {"cclf7": encode("cclf7", pl.DataFrame({"bene_mbi_id": [MBI] * 500}))})
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(member_name(path.name, "cclf7"))
    content[entry.header_offset + 90] ^= 0xFF
    path.write_bytes(content)
    assert rule_of(home) == "CCLF-ARCHIVE-CORRUPT"


def test_files_that_are_not_archives_are_reported(home):
    (inbox(home) / "readme.txt").write_text("hello")
    (inbox(home) / archive_name("A1234.ACO", APRIL)).write_text("hello")
    assert [r.rule for r in ingest_month(home, "2025-04")] == ["CCLF-ARCHIVE-CORRUPT", "CCLF-NAME"]


def test_a_misstated_length_is_a_warning(home):
    rezip(deliver(home), lambda n, c: c.replace(b"|  549", b"|  540") if ".ZC0Y" in n else c)
    receipt = only(ingest_month(home, "2025-04"))
    assert receipt.accepted
    assert "CCLF-STATED-LENGTH" in {warning.rule for warning in receipt.warnings}


def test_test_archives_count_only_until_a_production_one(home):
    path = deliver(home)
    name = path.name.replace("P.", "T.", 1)
    write_archive(path.parent, name, files(claim="test"))
    path.rename(home.root / "kept")
    test = only(ingest_month(home, "2025-04"))
    assert test.accepted
    assert "CCLF-TEST-FILE" in {warning.rule for warning in test.warnings}
    assert len(files_in_force(home, "cclf1")) == 1
    (home.root / "kept").rename(path)
    ingest_month(home, "2025-04")
    assert pl.read_parquet(files_in_force(home, "cclf1"))["cur_clm_uniq_id"].to_list() == ["1"]


def test_circular_identifiers_are_refused_in_one_file_and_across_months(home, tmp_path):
    deliver(home, content=files(links=(("A", "B"), ("B", "C"), ("X", "X"))))
    assert only(ingest_month(home, "2025-04")).accepted
    deliver(home, dt.date(2025, 5, 15), files(links=(("C", "A"),)))
    assert only(ingest_month(home, "2025-05")).rule == "CCLF-IDENTIFIER-CYCLE"
    assert not files_in_force(home, "cclf9", ["2025-05"])
    other = Home(tmp_path / "other")
    deliver(other, content=files(links=(("A", "B"), ("B", "A"))))
    assert rule_of(other) == "CCLF-IDENTIFIER-CYCLE"


def test_receipts_contain_only_counts_and_are_all_kept(home):
    rezip(deliver(home), lambda n, c: c.replace(b"2025-04-15", b"2025-04-31") if ".ZC1Y" in n else c)
    ingest_month(home, "2025-04")
    deliver(home)
    ingest_month(home, "2025-04")
    assert [r.status for r in receipts(home)].count("refused") == 1
    assert sum(r.accepted for r in receipts(home)) == 1
    for path in home.lake.rglob("*.json"):
        assert MBI not in path.read_text()
        assert "Núñez" not in path.read_text()


def test_a_refusal_leaves_nothing_behind(home):
    rezip(deliver(home), lambda n, c: b"" if ".ZCBY" in n or ".ZC8Y" in n else c)
    assert rule_of(home) == "CCLF-COUNT"
    assert [path for path in home.lake.rglob("*") if path.is_file() and path.suffix != ".json"] == []


def test_a_submitter_can_check_without_a_home(home):
    path = deliver(home)
    assert only(check_deliveries(path)).accepted
    assert not home.lake.exists()
    rezip(path, lambda n, c: b"" if ".ZC8Y" in n else c)
    assert only(check_deliveries(path.parent)).rule == "CCLF-COUNT"


def test_hcip_check_reports_the_contents_and_faults_of_an_archive(home, capsys):
    path = deliver(home)
    for expected, text in ((0, "ACCEPTED"), (1, "CCLF-COUNT")):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["check", str(path)])
        assert stopped.value.code == expected
        out = capsys.readouterr().out
        assert text in out
        assert MBI not in out
        rezip(path, lambda n, c: b"" if ".ZC8Y" in n else c)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_damaged_archive_is_accepted_as_it_was_or_refused_with_a_message(data):
    """Whatever the damage, the intake reports it with a message."""
    with TemporaryDirectory() as folder:
        path = write_archive(Path(folder), archive_name("A1234.ACO", APRIL), files())
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.sampled_from([None, None, len(content) // 2]))])
        receipt = only(check_deliveries(path))
    assert receipt.accepted or (receipt.rule and receipt.message and receipt.fix)


def test_a_refusal_says_what_to_do(home, capsys):
    rezip(deliver(home), lambda n, c: c.replace(b"2025-04-15", b"2025-04-31") if ".ZC1Y" in n else c)
    deliver(home, content=files(claim="2"), run_out=True, year=2024)
    print_ingest(home, IngestReport({}, {"2025-04": ingest_month(home, "2025-04")}, {}))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines()[:-1])) <= 80  # the last line has the path of the lake
    out = " ".join(out.split())
    assert "2025-04: 1 CMS archives, 2 records accepted" in out
    assert "CCLF-VALUE: P.A1234.ACO.ZC1Y25.D250415.T0100000, record 1: CLM_FROM_DT" in out
    assert "What to do: ask CMS for the archive again" in out
    assert MBI not in out


def test_folders_in_an_archive_are_ignored(home):
    name = archive_name("A1234.ACO", APRIL)
    with zipfile.ZipFile(inbox(home) / name, "w") as archive:
        for member, content in members(name, files()).items():
            archive.writestr(f"deliveries/2025/{member}", content)
        archive.writestr("__MACOSX/._" + member_name(name, "cclf1"), b"x")
    receipt = only(ingest_month(home, "2025-04"))
    assert receipt.accepted, receipt
    assert [warning.rule for warning in receipt.warnings] == ["CCLF-UNKNOWN-MEMBER"]
