"""Protocol files: which one is in force, what the lake contains, and that a bad file affects only its own hospital."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.protocol import TABLES
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.program.ingest import ingest_program
from hcip_pipeline.intake.protocol.ingest import load_protocols, unknown_protocol_files, write_lake_protocols
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy

EXAMPLE = (Path(__file__).parents[2] / "docs" / "protocol_example.yaml").read_text(encoding="utf-8")
PERIOD = PerformancePeriod(2025, 1)
POLICY = Policy(version="v1", base_year=2023)
WRITTEN = ("protocols", "programs", "conditions", "protocol_interventions", "protocol_committee", "protocol_findings")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def put(home: Home, text: str = EXAMPLE, ccn: str = "210043", year: int | str = 2025) -> Path:
    path = home.inbox / "protocols" / ccn / f"{year}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace('"210043"', f'"{ccn}"'), encoding="utf-8")
    return path


def table(home: Home, name: str, period: PerformancePeriod = PERIOD) -> pl.DataFrame:
    return pl.read_parquet(home.lake_program(period) / f"{name}.parquet")


def findings(home: Home) -> set[tuple[str, str]]:
    return set(table(home, "protocol_findings").select("hospital_ccn", "finding_id").iter_rows())


def test_no_protocols_at_all_are_typed_empty_tables(home: Home) -> None:
    assert write_lake_protocols(home, PERIOD, POLICY) == []
    for name in WRITTEN:
        frame = table(home, name)
        assert frame.is_empty()
        assert frame.schema == pl.DataFrame(schema=TABLES[name].schema).schema


def test_the_example_protocol_is_ingested_into_the_lake(home: Home) -> None:
    put(home)
    meetings = "hospital_ccn,met_on,members_present,physicians_present\n210043,2025-02-03,6,3\n210043,2025-05-05,5,3\n"
    folder = home.inbox / "program" / "2025H1"
    folder.mkdir(parents=True)
    (folder / "committee_meetings.csv").write_text(meetings)
    ingest_program(home, PERIOD)
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "protocol_findings").is_empty()
    row = table(home, "protocols").row(0, named=True)
    assert row["hospital_ccn"] == "210043"
    assert row["meetings_reported"] == 2
    program = table(home, "programs").row(0, named=True)
    assert [program[name] for name in ("first_performance_period", "period_number", "program_year")] == ["2024H1", 3, 2]
    assert row["approved_on"] == dt.date(2024, 12, 12)
    assert row["has_locked_conditions"] is True
    assert (row["mpi_floor"], row["mpi_ceiling"]) == (Decimal(100), Decimal(3000))
    assert row["improvement_share"] == Decimal("0.66666667")
    assert (row["has_elected_mpi_floor"], row["has_elected_improvement_share"]) == (True, False)
    conditions = table(home, "conditions")
    assert conditions.get_column("weight_percent").sum() == Decimal(100)
    assert dict(conditions.select("condition_id", "intervention_ids").iter_rows())["charts"] == "patient_flow"
    committee = table(home, "protocol_committee")
    assert committee.get_column("is_physician").sum() * 2 >= committee.height
    interventions = table(home, "protocol_interventions")
    assert dict(interventions.select("intervention_id", "is_included").iter_rows())["vaccination"] is False


def test_the_newest_year_not_after_the_periods_is_in_force(home: Home) -> None:
    for year in (2023, 2024, 2026):
        put(home, year=year)
    assert [file.year for file in load_protocols(home.inbox, PERIOD)] == [2024]
    assert [file.year for file in load_protocols(home.inbox, PerformancePeriod(2026, 2))] == [2026]
    assert load_protocols(home.inbox, PerformancePeriod(2022, 2)) == []


def test_elections_in_force_are_the_hospitals_or_the_policys(home: Home) -> None:
    own = EXAMPLE.replace("mpi_ceiling: 3000", "mpi_ceiling: null").replace("mpi_floor: 100", "improvement_share: 3/5")
    own = own.replace("physician_cap_percent: 25", "physician_cap_percent: 12.5")
    put(home, own)
    put(home, own.replace("first_performance_period: 2024H1", "first_performance_period: 2025H1"), ccn="210044")
    write_lake_protocols(home, PERIOD, Policy(version="v1", base_year=2023, mpi_floor=Decimal("50.5")))
    columns = ["mpi_floor", "mpi_ceiling", "improvement_share", "physician_cap_percent"]
    assert table(home, "protocols").select(columns).rows() == [
        (Decimal("50.50"), None, Decimal("0.6"), Decimal("12.5")),
        (Decimal("50.50"), None, Decimal("0.66666667"), Decimal("12.5")),
    ]
    assert ("210044", "SPLIT-CHANGED-EARLY") in findings(home)


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("", "contains no implementation protocol"),
        ("- a\n- b\n", "a mapping of keys to values is expected"),
        ("hospital: [", "is not valid YAML"),
        ("hospital: {}\nhospital: {}\n", "appears twice"),
        ("hospital: !!python/object/apply:os.system ['true']\n", "is not valid YAML"),
        (EXAMPLE.replace('ccn: "210043"', 'ccn: "210099"'), "the folder is 210043"),
        (EXAMPLE.replace("weight: 40", "weight: forty"), "conditions_of_payment.3.weight"),
        (EXAMPLE.replace("approved_on: 2024-12-12", "approved_on: 2024-13-12"), "month must be in 1..12"),
        (EXAMPLE.replace("weight: 40", "weight: .nan"), "is not valid YAML"),
        ("a: " + "[" * 600, "is nested deeper than 50 levels"),
        ("a: " + "[" * 200_000 + "]" * 200_000, "is nested deeper than 50 levels"),
    ],
)
def test_a_bad_file_is_its_own_hospitals_finding(home: Home, text: str, reported: str) -> None:
    put(home, ccn="210044")
    path = put(home)
    path.write_text(text)
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "protocols").get_column("hospital_ccn").to_list() == ["210044"]
    refused = table(home, "protocol_findings").filter(finding_id="PROTOCOL-REFUSED").row(0, named=True)
    assert (refused["hospital_ccn"], refused["severity"]) == ("210043", "ERROR")
    assert reported in refused["message"]
    assert str(home.root) not in refused["message"], "a release must not depend on where the home lies"


def test_a_file_that_is_not_utf8_a_link_or_huge_is_refused(home: Home, tmp_path: Path) -> None:
    put(home, ccn="210044").write_bytes(EXAMPLE.encode("utf-16"))
    link = put(home, ccn="210048")
    link.unlink()
    link.symlink_to(put(home, ccn="210049"))
    put(home, EXAMPLE + "#" * 1_100_000, ccn="210051")
    refused = {file.ccn for file in load_protocols(home.inbox, PERIOD) if file.protocol is None}
    assert refused == {"210044", "210048", "210051"}


def test_a_hospital_that_is_not_known_is_refused(home: Home) -> None:
    put(home, ccn="990001")
    (file,) = load_protocols(home.inbox, PERIOD)
    assert file.protocol is None
    assert "not in the table of hospitals" in file.problems[0].message


def test_other_names_are_reported_and_not_read(home: Home) -> None:
    put(home)
    put(home, year="draft")
    put(home, ccn="2100")
    (home.inbox / "protocols" / "210043" / "2025.yml").write_text("x")
    assert unknown_protocol_files(home.inbox) == ["2100/2025.yaml", "210043/2025.yml", "210043/draft.yaml"]
    assert [file.ccn for file in load_protocols(home.inbox, PERIOD)] == ["210043"]


# Versions


def test_a_refused_file_leaves_the_earlier_version_in_force_with_a_note(home: Home) -> None:
    put(home)
    write_lake_protocols(home, PERIOD, POLICY)
    sha256 = table(home, "protocols").get_column("sha256")[0]
    put(home, EXAMPLE.replace("weight: 40", "weight: -40"))
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "protocols").select("version", "sha256").rows() == [(1, sha256)]
    assert ("210043", "PROTOCOL-REFUSED") in findings(home)


def test_conditions_changed_under_the_same_approval_are_not_locked(home: Home) -> None:
    changed = EXAMPLE.replace("weight: 40", "weight: 35").replace("weight: 10", "weight: 15")
    put(home)
    write_lake_protocols(home, PERIOD, POLICY)
    put(home, changed)
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "protocols").select("version", "has_locked_conditions").rows() == [(2, False)]
    assert ("210043", "CONDITIONS-CHANGED") in findings(home)
    # Run again, approved again before the period, or reverted.
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "protocols").select("version", "has_locked_conditions").rows() == [(2, False)]
    put(home, changed.replace("approved_on: 2024-12-12", "approved_on: 2024-12-30"))
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "protocols").select("version", "has_locked_conditions").rows() == [(3, True)]
    put(home)
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "protocols").select("version", "has_locked_conditions").rows() == [(4, True)]


def test_conditions_approved_after_the_start_lock_from_the_next_period_on(home: Home) -> None:
    put(home, EXAMPLE.replace("approved_on: 2024-12-12", "approved_on: 2025-02-01"))
    later = PerformancePeriod(2025, 2)
    for period, is_locked in ((PERIOD, False), (later, True)):
        write_lake_protocols(home, period, POLICY)
        assert table(home, "protocols", period).get_column("has_locked_conditions").to_list() == [is_locked]


def test_a_first_period_that_moves_between_years_is_found(home: Home) -> None:
    put(home, EXAMPLE.replace("first_performance_period: 2024H1", "first_performance_period: 2023H1"), year=2024)
    put(home)
    write_lake_protocols(home, PERIOD, POLICY)
    assert ("210043", "FIRST-PERIOD-CHANGED") in findings(home)


def program(home: Home, period: PerformancePeriod = PERIOD) -> tuple[str | None, int | None, bool]:
    """First period, program year, and whether the protocols disagree on the first period."""
    row = table(home, "programs", period).row(0, named=True)
    return row["first_performance_period"], row["program_year"], row["is_first_period_changed"]


def correct(home: Home, first: str, period: str = "2025H1", approved_by: str = "Program Office") -> None:
    folder = home.inbox / "program" / period
    folder.mkdir(parents=True, exist_ok=True)
    header = "hospital_ccn,first_performance_period,reason,approved_by,approved_on\n"
    text = f"{header}210043,{first},clerical error,{approved_by},2025-03-01\n"
    (folder / "program_corrections.csv").write_text(text)
    ingest_program(home, PerformancePeriod.parse(period))


LATER = EXAMPLE.replace("first_performance_period: 2024H1", "first_performance_period: 2025H1")


@pytest.mark.parametrize("is_next_year", [False, True])
def test_a_program_begins_with_the_first_protocol_that_was_accepted(home: Home, is_next_year: bool) -> None:
    put(home, "hospital: [", year=2023)  # refused: it is not YAML
    put(home, year=2024)
    write_lake_protocols(home, PERIOD, POLICY)
    assert program(home) == ("2024H1", 2, False)
    put(home, LATER, year=2025 if is_next_year else 2024)
    write_lake_protocols(home, PERIOD, POLICY)
    assert program(home) == ("2024H1", 2, True)
    put(home, year=2025)  # named correctly again: the change is still reported
    write_lake_protocols(home, PERIOD, POLICY)
    assert program(home) == ("2024H1", 2, True)
    assert ("210043", "FIRST-PERIOD-CHANGED") in findings(home)


def test_the_first_protocol_counts_whichever_period_was_ingested_first(home: Home) -> None:
    put(home, year=2024)
    put(home, LATER, year=2025)
    write_lake_protocols(home, PERIOD, POLICY)
    assert program(home) == ("2024H1", 2, True)


def test_an_approved_correction_decides_which_is_right(home: Home) -> None:
    put(home, year=2024)
    put(home, LATER)
    correct(home, "2025H1", period="2025H2")  # filed for a later period
    write_lake_protocols(home, PERIOD, POLICY)
    assert program(home) == ("2024H1", 2, True)
    later = PerformancePeriod(2025, 2)
    write_lake_protocols(home, later, POLICY)
    assert program(home, later) == ("2025H1", 1, False)
    correct(home, "2024H2")
    write_lake_protocols(home, PERIOD, POLICY)
    assert program(home) == ("2024H2", 1, False)
    write_lake_protocols(home, later, POLICY)
    assert program(home, later) == ("2025H1", 1, False), "the newest folder's correction counts"


@pytest.mark.parametrize(("first", "approved_by"), [("2025", "Office"), ("2025H3", "Office"), ("2025H1", "")])
def test_a_correction_without_a_valid_period_or_approval_is_refused(home: Home, first: str, approved_by: str) -> None:
    put(home)
    correct(home, first, approved_by=approved_by)
    assert table(home, "program_corrections").is_empty()


def test_a_program_outlives_its_protocol_and_ignores_protocols_of_later_years(home: Home) -> None:
    put(home, year=2026)
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "programs").is_empty()
    put(home).unlink()
    put(home)
    write_lake_protocols(home, PERIOD, POLICY)
    (home.inbox / "protocols" / "210043" / "2025.yaml").unlink()
    write_lake_protocols(home, PERIOD, POLICY)
    assert table(home, "protocols").is_empty()
    assert program(home) == ("2024H1", 2, False)


def test_the_same_inbox_gives_the_same_bytes(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "elsewhere")
    for place in (home, other):
        put(place)
        put(place, "hospital: [", ccn="210044")
        write_lake_protocols(place, PERIOD, POLICY)
    for name in WRITTEN:
        a, b = ((place.lake_program(PERIOD) / f"{name}.parquet").read_bytes() for place in (home, other))
        assert a == b
