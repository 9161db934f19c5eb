"""Names of received files in messages: identifiers are shown by their shape, known names in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf.month import check_deliveries
from hcip_pipeline.intake.program.ingest import ingest_program
from hcip_pipeline.intake.protocol.ingest import unknown_protocol_files
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference.tables import unknown_reference_files
from hcip_pipeline.settlement.inbox_contents import changes
from hcip_pipeline.tables.file_names import shown_path

ID = "1EG4-TE5-MK73"


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("1EG4TE5MK73.csv", "9AA9AA9AA99.csv"),
        ("1eg4-te5-mk73.csv", "9AA9-AA9-AA99.csv"),
        ("note on 1EG4_TE5_MK73.txt", "note on 9AA9_AA9_AA99.txt"),
        ("123 45 6789.csv", "999 99 9999.csv"),
        ("123-45-6789.csv", "999-99-9999.csv"),
        ("P000123456/stay.csv", "A999999999/stay.csv"),
        ("P.A1234.ACO.1EG4TE5MK73.zip", "P.A1234.ACO.9AA9AA9AA99.zip"),
    ],
)
def test_text_that_may_identify_a_patient_is_shown_by_its_shape(name: str, messages: str) -> None:
    assert shown_path(name) == messages


@pytest.mark.parametrize(
    "path",
    [
        "hospital/2025Q1/210043.r2/discharges.csv.gz",
        "cms/2025-04/P.A1234.ACO.ZCY25.D250415.T1234567",
        "cms/2025-04/p.bcd.a0001.zc1y25.d250415.t1234567.zip",
        "program/2025H1/survey_210033_2025H1.xlsx",
        "program/2025H1/condition_results.csv",
        "protocols/210043/2025.yaml",
    ],
)
def test_known_names_are_shown_in_full(path: str) -> None:
    assert shown_path(path) == path


def test_no_list_of_unknown_files_holds_an_identifier(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for folder in ("program/2025H1", "reference", "protocols/210043", "cms/2025-04"):
        (home.inbox / folder).mkdir(parents=True)
        (home.inbox / folder / f"care_partner {ID}.csv").write_text("x")
    reported = [
        *ingest_program(home, PerformancePeriod(2025, 1)).unknown_files,
        *unknown_reference_files(home.inbox),
        *unknown_protocol_files(home.inbox),
        *(receipt.archive for receipt in check_deliveries(home.inbox / "cms" / "2025-04")),
    ]
    assert reported == [
        "care_partner 9AA9-AA9-AA99.csv (perhaps care_partners.csv?)",
        "care_partner 9AA9-AA9-AA99.csv",
        "210043/care_partner 9AA9-AA9-AA99.csv",
        "care_partner 9AA9-AA9-AA99.csv",
    ]


def test_inbox_changes_are_reported_without_an_identifier() -> None:
    path = f"hospital/2025Q1/210043/{ID}.xlsx"
    reported = [*changes({}, {path: "a"}), *changes({path: "a"}, {}), *changes({path: "a"}, {path: "b"})]
    shape = "hospital/2025Q1/210043/9AA9-AA9-AA99.xlsx"
    assert reported == [f"{shape} is new", f"{shape} is gone", f"{shape} changed"]
