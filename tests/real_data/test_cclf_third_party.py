"""Third-party archives and files: CMS's own test archives, and eleven files of an unrelated generator."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf import check_deliveries, files_in_force, ingest_month
from hcip_pipeline.synthetic.cclf_records import control_file, encode, member_name

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "cclf"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="public CCLF data are not next to the checkout")


@pytest.mark.parametrize(
    ("archive", "rule", "states"),
    [
        ("corrupted/T.BCD.A0001.ZCY18.D181120.T1000000", "CCLF-ARCHIVE-CORRUPT", "cannot be opened"),
        ("missing_data/T.BCD.A0001.ZCY18.D181120.T1000000", "CCLF-FILE-MISSING", "CCLF1"),
        ("missing_data/T.BCD.A0001.ZCY18.D181122.T1000000", "CCLF-CONTROL-NAMES-TWICE", "CCLF8 twice"),
        ("missing_data/T.BCD.ACO.ZC0Y18.D181120.T0001000", "CCLF-FILE-MISSING", "CCLF1"),
        ("missing_data/T.BCD.ACO.ZC0Y18.D181120.T0001098", "CCLF-NO-CONTROL", "no control file"),
        ("missing_data/T.BCD.ACO.ZC0Y18.D181121.T0001000", "CCLF-FILE-MISSING", "CCLF8"),
        ("missing_data/T.BCD.ACO.ZC0Y18.D181122.T0001000", "CCLF-CONTROL-NAMES-TWICE", "CCLF8 twice"),
        ("valid/T.BCD.A0001.ZCY18.D181120.T1000000", "CCLF-FILE-MISSING", "CCLF1, CCLF2"),
        ("valid/T.BCD.A9988.ZCY18.D181120.T1000000", "CCLF-FILE-MISSING", "CCLF9"),
        ("valid/T.BCD.ACOB.ZC0Y18.D181120.T0001000", "CCLF-FILE-MISSING", "CCLF8"),
    ],
)
def test_incomplete_and_corrupted_archives_are_refused_each_with_its_message(archive, rule, states):
    (receipt,) = check_deliveries(DATA / "bcda" / archive)
    assert (receipt.status, receipt.rule) == ("refused", rule)
    assert states in receipt.message


def test_the_files_of_a_complete_archive_are_ingested(tmp_path):
    """The three files in CMS's own test archive, with the other files empty and the control file corrected."""
    import zipfile

    source = DATA / "bcda" / "valid" / "T.BCD.A0001.ZCY18.D181120.T1000000"
    home = Home(tmp_path)
    folder = home.inbox / "cms" / "2018-11"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(source) as archive:
        given = {name: archive.read(name) for name in archive.namelist()}
    files = dict.fromkeys(LAYOUTS, b"")
    files |= {f"cclf{name.split('.ZC')[1][0].lower()}": c for name, c in given.items() if ".ZC0" not in name}
    (folder / member_name(source.name, "cclf0")).write_bytes(control_file(files))
    for table, content in files.items():
        (folder / member_name(source.name, table)).write_bytes(content)
    (receipt,) = ingest_month(home, "2018-11")
    assert receipt.accepted, receipt.message
    assert pl.read_parquet(files_in_force(home, "cclf8")).height == 7
    links = pl.read_parquet(files_in_force(home, "cclf9")).filter(hicn_mbi_xref_ind="M")
    assert links.height == 3


def test_eleven_files_of_an_unrelated_generator_are_parsed(tmp_path):
    home = Home(tmp_path)
    folder = home.inbox / "cms" / "2024-09"
    folder.mkdir(parents=True)
    files = {
        table: gzip.decompress((DATA / "third_party" / f"CCLF{table[-1].upper()}.txt.gz").read_bytes())
        for table in LAYOUTS
    }
    archive = "T.A0001.ACO.ZCY24.D240915.T0100000"
    for table, content in {"cclf0": control_file(files), **files}.items():
        (folder / member_name(archive, table)).write_bytes(content)
    (receipt,) = ingest_month(home, "2024-09")
    assert receipt.accepted, receipt.message
    for table, content in files.items():
        rows = pl.read_parquet(files_in_force(home, table))
        assert rows.height == content.count(b"\n") == len(content.splitlines())
        key = rows.columns[0]
        assert rows[key].to_list() == [
            line[: LAYOUTS[table].fields[0].width].decode().strip() for line in content.splitlines()
        ]
        # Rewritten, every byte is the same except for padding of identifiers and alignment of numbers.
        again = encode(table, rows)
        assert len(again) == len(content)
