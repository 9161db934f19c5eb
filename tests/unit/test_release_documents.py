"""Documents of a release: hashed in its manifest, confined to its folder, unreadable to other users of the machine."""

from __future__ import annotations

import csv
import json
import re
import shutil
import stat
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.html_pages import BIDI_CONTROLS, CONTENT_POLICY
from hcip_pipeline.release.documents import Document, Draft, release_path, write_documents
from hcip_pipeline.release.verification import verify_release
from hcip_pipeline.release.verification.tables import runs_in_a_spreadsheet
from tests.released_state import NAMES, A, State, release, released, unreleased  # noqa: F401 - fixtures

_POLICY = f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'

PAGE = Document("reports/210001/oversight.html", b"<!doctype html>\n", "text/html")


@pytest.mark.parametrize(
    "path",
    [
        "oversight.html",
        "/reports/a.html",
        "reports/../../etc/passwd",
        "reports/..",
        "reports//a.html",
        "reports/./a.html",
        "reports/.hidden",
        "reports/a\\b.html",
        "reports/a\n.html",
        "reports/210001/a.html\0",
        "elsewhere/a.html",
        "reports/" + "a" * 200,
        "reports/aux.",
    ],
)
def test_an_unsafe_path_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(HcipError) as refused:
        write_documents([Document(path, b"", "text/html")], tmp_path)
    assert refused.value.rule == "RELEASE-PATH"
    assert list(tmp_path.rglob("*")) == []


def test_two_documents_cannot_share_a_path(tmp_path: Path) -> None:
    with pytest.raises(HcipError):
        write_documents([PAGE, replace(PAGE, path="reports/210001/OVERSIGHT.html")], tmp_path)
    with pytest.raises(HcipError):
        write_documents([PAGE], tmp_path / "again", taken=[PAGE.path])


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("as it was")
    (tmp_path / "release" / "reports" / "210001").mkdir(parents=True)
    (tmp_path / "release" / PAGE.path).symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="exists"):
        write_documents([PAGE], tmp_path / "release")
    assert (tmp_path / "outside").read_text() == "as it was"


def test_documents_are_private(tmp_path: Path) -> None:
    write_documents([PAGE], tmp_path / "release")
    assert stat.S_IMODE((tmp_path / "release" / PAGE.path).stat().st_mode) & 0o137 == 0
    assert all(stat.S_IMODE(p.stat().st_mode) & 0o027 == 0 for p in (tmp_path / "release").rglob("*") if p.is_dir())
    assert release_path(tmp_path, PAGE.path) == tmp_path / "reports" / "210001" / "oversight.html"


def test_nothing_a_hospital_sent_is_run(released: Path) -> None:  # noqa: F811
    """A care partner is called =SUM(A1), MD and a committee member <script>alert(1)</script>: both are only shown."""
    shown: Counter[str] = Counter()
    for path in released.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for cell in (cell for row in csv.reader(file) for cell in row):
                runs = runs_in_a_spreadsheet(cell) and not re.fullmatch(r"-?[0-9.]+|'.*", cell)
                assert not runs, (path.name, cell)
                shown["csv"] += cell == f"'{NAMES[1]}"
                shown["csv, full width"] += cell == f"'{NAMES[4]}"
    for path in released.rglob("*.xlsx"):
        with zipfile.ZipFile(path) as book:
            for name in book.namelist():
                text = book.read(name).decode()
                assert "<f>" not in text and "<hyperlink" not in text, (path.name, name)
        for sheet in openpyxl.load_workbook(path):
            for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
                assert cell.quotePrefix == runs_in_a_spreadsheet(cell.value), (path.name, cell.value)
                shown["xlsx"] += cell.value == NAMES[1]
                shown["xlsx, full width"] += cell.value == NAMES[4]
    for path in released.rglob("*.html"):
        if path.name == "explorer.html":  # its scripts and data: test_explorer
            continue
        text = path.read_text(encoding="utf-8")
        assert "<script" not in text and text.count(_POLICY) == 1, path.name
        assert not BIDI_CONTROLS & set(text), path.name
        shown["html"] += "&lt;script&gt;alert(1)" in text
        shown["html, turned"] += "<bdi>[U+202E]ד״ר כהן, MD</bdi>" in text
        shown["html, name"] += "<bdi>=SUM(A1), MD</bdi>" in text
        assert _outside_bdi(text, NAMES[2][1:]) == 0, path.name
    assert all(shown.values()) and len(shown) == 7, shown


def _outside_bdi(page: str, name: str) -> int:
    """How often a name is shown outside an element of its own."""
    texts = re.sub(r"<(title|desc)\b.*?</\1>|<[^>]*=\"[^>]*>", "", page, flags=re.DOTALL)
    return texts.count(name) - len(re.findall(rf"<bdi>[^<]*{name}[^<]*</bdi>", texts))


def _report(draft: Draft) -> Iterable[Document]:
    for ccn in draft.hospitals:
        total = draft.table("incentives", ccn)["final_incentive"].sum()
        everybody = draft.table("incentives")["final_incentive"].sum()
        before = ", ".join(f"{each.period} {each.table('savings').height}" for each in draft.earlier)
        text = f"{draft.name} {ccn}: {total} of {everybody}; before: {before}"
        yield Document(f"reports/{ccn}/summary.txt", text.encode(), "text/plain")
        yield Document(f"reports/{ccn}/missing_information.csv", b"what\r\n", "text/csv")


@pytest.fixture(scope="module")
def with_documents(unreleased: State, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("documents")
    home = replace(unreleased.home, root=folder / "home")
    shutil.copytree(unreleased.home.root, home.root, ignore=shutil.ignore_patterns("2025H2"))
    return release(unreleased, unreleased.norms, home, folder / "build", renderers={"report": _report})


def test_a_renderer_sees_the_release_and_earlier_ones(with_documents: Path) -> None:
    text = (with_documents / "reports" / A / "summary.txt").read_text()
    assert text.startswith(f"2025H2_r1 {A}: ")
    assert "before: 2024H1 2, 2024H2 2, 2025H1 4" in text


def test_documents_are_in_the_manifest(with_documents: Path) -> None:
    resources = json.loads((with_documents / "datapackage.json").read_text())["resources"]
    found = {each["path"]: each for each in resources if each["profile"] == "data-resource"}
    page = found[f"reports/{A}/summary.txt"]
    assert page["bytes"] == (with_documents / page["path"]).stat().st_size
    assert (page["mediatype"], page["audience"]) == ("text/plain", "hospital")
    assert verify_release(with_documents).ok


def test_a_changed_document_is_found(with_documents: Path, tmp_path: Path) -> None:
    home = tmp_path / "releases"
    shutil.copytree(with_documents.parent.parent, home)
    page = home / "2025H2" / "r1" / "reports" / A / "summary.txt"
    page.write_bytes(page.read_bytes().replace(b":", b";", 1))
    report = verify_release(home / "2025H2" / "r1")
    assert [(each.rule, each.file, each.column) for each in report.listed] == [
        ("files", f"reports/{A}/summary.txt", "hash")
    ]
