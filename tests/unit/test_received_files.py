"""Opening received files: whatever is in a file's place, it is refused at once, with one line of message."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hcip_pipeline.contracts.program import CARE_PARTNERS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import Ceiling, NotReceivedError, read_file, sha256_of
from hcip_pipeline.intake.cclf.archive import find_deliveries
from hcip_pipeline.intake.hospital.control_totals import read_control_totals
from hcip_pipeline.intake.hospital.file_scan import scan_file
from hcip_pipeline.intake.program.ingest import read_program_file
from hcip_pipeline.intake.protocol.ingest import read_protocol
from hcip_pipeline.intake.sparcs.columns import read_header
from hcip_pipeline.intake.survey.forms import judge_survey
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.tables.contract_columns import read_contract_table

SMALL = Ceiling(10)
PERIOD = PerformancePeriod.parse("2025H1")


def _pipe(path: Path, _outside: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path, _outside: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path, _outside: Path) -> None:
    path.mkdir()


def _socket(path: Path, _outside: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket may have only 100 characters
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def _broken_link(path: Path, _outside: Path) -> None:
    path.symlink_to(path.parent / "gone")


def _link_to_itself(path: Path, _outside: Path) -> None:
    path.symlink_to(path)


def _link_outside(path: Path, outside: Path) -> None:
    outside.write_text("secret\n")
    path.symlink_to(outside)


PLACED = (_pipe, _endless, _folder, _socket, _broken_link, _link_to_itself, _link_outside)


@pytest.mark.parametrize("put", PLACED, ids=lambda put: put.__name__.strip("_"))
def test_anything_but_a_regular_file_of_the_inbox_is_refused(tmp_path: Path, put: Callable[[Path, Path], None]) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    put(inbox / "file", tmp_path / "outside")
    with pytest.raises(NotReceivedError) as caught:
        read_file(inbox / "file", SMALL, within=inbox)
    assert caught.value.rule in (
        "FILE-NOT-REGULAR", "FILE-UNREADABLE", "FILE-OUTSIDE-INBOX",
    )  # fmt: skip
    assert "\n" not in caught.value.message and caught.value.fix


def test_a_file_within_its_ceiling_is_read_and_a_larger_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_file(path, SMALL) == b"0123456789"
    assert sha256_of(path, SMALL).startswith("84d89877")
    path.write_bytes(b"0123456789a")
    with pytest.raises(NotReceivedError, match="larger than 10 bytes"):
        read_file(path, SMALL)


def test_a_link_inside_the_inbox_may_be_allowed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_file(tmp_path / "link", SMALL, within=tmp_path) == b"x"
    with pytest.raises(NotReceivedError) as caught:
        read_file(tmp_path / "link", SMALL, links=False)
    assert caught.value.rule == "FILE-IS-LINK"


def test_a_file_replaced_while_it_is_opened_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    open_it = os.open

    def replace_and_open(name: Path, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return open_it(name, flags)

    monkeypatch.setattr(os, "open", replace_and_open)
    with pytest.raises(NotReceivedError, match="a pipe"):
        read_file(path, SMALL)


def _refusal(read: Callable[[], object]) -> str:
    with pytest.raises(HcipError) as caught:
        read()
    assert caught.value.file and caught.value.fix
    return caught.value.message


def _reference(path: Path) -> str:
    return _refusal(lambda: load_reference(path.parents[1]))


def _program(path: Path) -> str:
    receipt = read_program_file(path, PERIOD)[0]
    assert receipt.status == "refused"
    return receipt.problems[0].message


def _filled_survey(path: Path) -> str:
    judged = judge_survey(path, PERIOD, ("210003",))
    assert judged.is_refused
    return judged.problems[0].message


def _claims(path: Path) -> str:
    deliveries, strays = find_deliveries(path.parent)
    assert not deliveries
    return strays[0].message


def _hospital(path: Path) -> str:
    found = scan_file(path)
    assert found.problem is not None and found.problem.refuses
    return found.problem.message


#: a reader of every kind of file -> where it looks for its file
READERS: dict[Callable[[Path], str], str] = {
    _hospital: "hospital/2025Q1/210003/charges.csv",
    lambda path: read_control_totals(path)[1][0].message: "hospital/2025Q1/210003/control_totals.json",
    _program: "program/2025H1/care_partners.csv",
    lambda path: _refusal(lambda: read_contract_table(path, CARE_PARTNERS)): "program/2025H1/other.csv",
    _reference: "reference/hospitals.csv",
    lambda path: _refusal(lambda: read_protocol(path, "210003", {"210003"})): "protocols/210003/2025.yaml",
    lambda path: _refusal(lambda: load_policy(path)): "policy.yaml",
    _filled_survey: "program/2025H1/survey_210003_2025H1.xlsx",
    _claims: "cms/2025-04/P.A1234.ACO.ZCY25.D250415.T1234567",
    lambda path: _refusal(lambda: read_header(path)): "sparcs.csv",
}


@pytest.mark.parametrize(
    "put", [_pipe, _endless, _folder, _socket, _broken_link], ids=lambda put: put.__name__.strip("_")
)
@pytest.mark.parametrize("read", READERS, ids=list(READERS.values()))
def test_no_reader_waits_for_a_pipe_or_reads_a_device(
    tmp_path: Path, read: Callable[[Path], str], put: Callable[[Path, Path], None]
) -> None:
    path = tmp_path / READERS[read]
    if put is _folder and "cms/" in READERS[read]:
        pytest.skip("folders are searched for claim files")
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, tmp_path)
    assert "\n" not in read(path)
