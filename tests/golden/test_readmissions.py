"""Readmissions: every trap of methodology §12, each with the few stays that set it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.quality_states import A, B, C, Stay, run, stays_spec


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2025-{text}")


def stay(patient: str, hospital: str, admitted: str, discharged: str, **other: Any) -> Stay:
    return Stay(patient, hospital, day(admitted), day(discharged), **other)


#: so that every hospital's data reach the end of the half-year
LATE = [stay(f"late-{ccn}", ccn, "06-20", "06-25") for ccn in (A, B, C)]
PLANNED = {"nature": "5", "procedures": "0SR9019:2025-03-20"}


def followed(*stays: Stay) -> dict[str, tuple[str, int | None, str | None]]:
    """Account of each index discharge of the period -> what followed, after how many days, and at which hospital."""
    with run(stays_spec([*stays, *LATE]), "int_index_discharges") as connection:
        rows = connection.sql("from int_index_discharges where window_name = 'performance'").pl().to_dicts()
    stated = {True: "readmitted", False: "nothing"}
    return {
        row["account_no"]: (
            "planned" if row["is_planned_return"] else stated[row["is_readmitted"]],
            row["days_to_return"],
            row["return_hospital_ccn"],
        )
        for row in rows
    }


def test_a_return_within_thirty_days_to_any_hospital() -> None:
    assert followed(
        stay("p", A, "02-01", "02-05"),
        stay("p", B, "03-07", "03-09"),  # the thirtieth day
        stay("q", A, "02-01", "02-05"),
        stay("q", A, "03-08", "03-09"),  # a day too late
    ) == {
        "A1": ("readmitted", 30, B),
        "A2": ("nothing", None, None),
        "A3": ("nothing", None, None),
        "A4": ("nothing", None, None),
    }


def test_a_return_on_the_day_of_discharge_is_a_readmission_after_0_days() -> None:
    found = followed(stay("p", A, "02-01", "02-05"), stay("p", A, "02-05", "02-08"))
    assert found == {"A1": ("readmitted", 0, A), "A2": ("nothing", None, None)}
    elsewhere = followed(stay("p", A, "02-01", "02-05"), stay("p", B, "02-05", "02-08"))
    assert elsewhere["A1"] == ("readmitted", 0, B)


def test_a_transfer_chain_is_one_episode_of_its_last_hospital() -> None:
    found = followed(
        stay("p", A, "02-01", "02-03", disposition="02"),
        stay("p", B, "02-03", "02-06", disposition="02"),  # the same day
        stay("p", C, "02-07", "02-10"),  # the next day, home from there
        stay("p", A, "02-20", "02-22"),
    )
    assert found == {"A3": ("readmitted", 10, A), "A4": ("nothing", None, None)}


def test_a_chain_is_recognized_by_the_receiving_hospital_too() -> None:
    found = followed(stay("p", A, "02-01", "02-03"), stay("p", B, "02-04", "02-10", source="04"))
    assert found == {"A2": ("nothing", None, None)}


def test_two_days_after_a_transfer_begins_another_episode() -> None:
    found = followed(stay("p", A, "02-01", "02-03", disposition="02"), stay("p", B, "02-05", "02-10"))
    # Transferred, but received nowhere: not an index discharge, and the later stay is a separate episode.
    assert found == {"A2": ("nothing", None, None)}


def test_overlapping_stays_are_one_episode() -> None:
    found = followed(
        stay("p", A, "02-01", "02-20"),
        stay("p", B, "02-05", "02-07"),  # away for two days
        stay("p", A, "03-01", "03-02"),
    )
    assert found == {"A1": ("readmitted", 9, A), "A3": ("nothing", None, None)}


def test_the_earliest_later_admission_counts_not_the_next_row() -> None:
    """A long stay that began first ends last; the next row by discharge date is not a later admission."""
    found = followed(
        stay("p", B, "02-25", "02-27"),
        stay("p", A, "02-01", "02-10"),
        stay("p", C, "02-15", "02-18"),
    )
    assert (found["A2"], found["A3"]) == (("readmitted", 5, C), ("readmitted", 7, B))


def test_planned_returns_are_kept_apart() -> None:
    found = followed(
        stay("p", A, "03-01", "03-05"),
        stay("p", A, "03-20", "03-23", **PLANNED),
        stay("q", A, "03-01", "03-05"),
        stay("q", A, "03-20", "03-23", nature="5"),  # scheduled without a procedure
        stay("r", A, "03-01", "03-05", disposition="81"),  # home, planned to return
        stay("r", A, "03-09", "03-11"),
        stay("s", A, "03-01", "03-05"),
        stay("s", A, "03-20", "03-23", **PLANNED),
        stay("s", B, "03-30", "03-31"),  # and an emergency after it
    )
    assert found["A1"] == ("planned", 15, A)
    assert found["A3"] == ("readmitted", 15, A)
    assert found["A5"] == ("planned", 4, A)
    assert found["A7"] == ("readmitted", 25, B)


@pytest.mark.parametrize(
    "other",
    [
        {"disposition": "20"},
        {"disposition": "07"},
        {"disposition": "30"},
        {"disposition": "02"},
        {"disposition": "88"},
        {"apr_drg": "640"},
        {"apr_drg": "753"},
        {"apr_drg": "860"},
    ],
    ids=str,
)
def test_discharges_that_are_not_index_discharges(other: dict[str, str]) -> None:
    assert "A1" not in followed(stay("p", A, "02-01", "02-05", **other))


def test_death_ends_the_index_and_not_the_readmission() -> None:
    found = followed(stay("p", A, "02-01", "02-05"), stay("p", A, "02-09", "02-10", disposition="20"))
    assert found == {"A1": ("readmitted", 4, A)}


def test_a_patient_without_an_identifier_is_not_followed() -> None:
    assert followed(stay("", A, "02-01", "02-05"), stay("", A, "02-09", "02-10")) == {}


def test_an_index_needs_thirty_days_before_the_data_end() -> None:
    found = followed(
        stay("p", A, "05-28", "05-31"),
        stay("p", B, "06-29", "06-30"),  # the window's last day
        stay("q", A, "05-28", "06-01"),  # a day too late to be followed
    )
    assert found["A1"] == ("readmitted", 29, B)
    assert "A3" not in found


def test_a_hospital_without_its_second_quarter_ends_earlier() -> None:
    """Its own readmissions in April would be missing, so March is not followed."""
    stays = [stay("p", A, "02-20", "03-01"), stay("q", A, "03-01", "03-02"), *(s for s in LATE if s.hospital != A)]
    with run(stays_spec(stays), "int_index_discharges") as connection:
        found = connection.sql("select account_no from int_index_discharges").fetchall()
    assert found == [("A1",)]


def test_the_baseline_is_followed_as_the_period_is() -> None:
    def before(patient: str, hospital: str, admitted: str, discharged: str) -> Stay:
        return Stay(
            patient, hospital, dt.date.fromisoformat(f"2024-{admitted}"), dt.date.fromisoformat(f"2024-{discharged}")
        )

    stays = [before("p", A, "05-30", "05-31"), before("q", A, "06-01", "06-02"), before("q", A, "07-02", "07-03")]
    with run(stays_spec([*stays, before("r", A, "06-20", "06-25"), *LATE]), "int_index_discharges") as connection:
        rows = connection.sql("select account_no from int_index_discharges where window_name = 'baseline'").fetchall()
    assert rows == [("A1",)]
