"""Studies from a file to their outputs, on the methodology's worked example (surgical) as invented discharges."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.intake.sparcs.reading import read_sparcs
from hcip_pipeline.periods import Quarter
from hcip_pipeline.reference.tables import write_lake_reference
from hcip_pipeline.study.result import StudyResult
from hcip_pipeline.study.sparcs_study import plan_sparcs_study, run_sparcs_study
from hcip_pipeline.study.summary import print_study
from hcip_pipeline.study.window_study import run_window_study
from tests.made_pages import COSTS, POLICY, TRICKY_NAME, SparcsStudy, sparcs_discharges
from tests.scenario import HOSPITAL, npi
from tests.sparcs_files import ROW, row, write

pytestmark = pytest.mark.slow

D = Decimal
EARNED = {1: D("243.34"), 2: D("233.20"), 3: D("162.23"), 4: D("40.56"), 5: D("0.00")}

NO_LICENSES = {"Attending Provider License Number": None, "Operating Provider License Number": None}


@pytest.fixture
def home(sparcs_study: SparcsStudy) -> Home:
    return sparcs_study.home


@pytest.fixture
def file(sparcs_study: SparcsStudy) -> Path:
    return sparcs_study.file


@pytest.fixture
def study(sparcs_study: SparcsStudy) -> StudyResult:
    return sparcs_study.result


@pytest.fixture(scope="module")
def anonymous(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """The same discharges in the columns of a year without license numbers."""
    folder = tmp_path_factory.mktemp("anonymous")
    bare = write(folder / "anonymous.csv", sparcs_discharges(), NO_LICENSES)
    return run_sparcs_study(Home(folder / "home"), bare, 2016, POLICY, name="anonymous")


def norms(result: StudyResult) -> dict[str, tuple[Decimal, Decimal]]:
    rows = result.figures.tables["norms"].to_dicts()
    return {row["norm_method"]: (row["best_practice_norm"], row["p75_cost"]) for row in rows}


class TestSparcsStudy:
    def test_norms_by_all_three_methods(self, study: StudyResult) -> None:
        assert norms(study) == {
            "physician_percentile": (D("16000.00"), D("22000.00")),
            "case_percentile": (D("15750.00"), D("23000.00")),
            "mean_below_threshold": (D("14500.00"), D("22000.00")),
        }

    def test_a_surgeon_counts_once_for_the_norm_and_once_per_hospital_for_the_incentive(
        self, study: StudyResult
    ) -> None:
        incentives = study.figures.tables["performance_incentives"]
        by_surgeon = dict(incentives.group_by("npi").agg(pl.col("performance_incentive").sum()).rows())
        assert by_surgeon == {str(200_000 + surgeon): earned for surgeon, earned in EARNED.items()}
        assert incentives.filter(pl.col("npi") == "200001")["hospital_ccn"].to_list() == ["214", "7"]
        assert incentives.filter(pl.col("gated_cases") > 0)["npi"].to_list() == ["200005"]
        assert study.figures.totals.physicians == 5

    def test_opportunity_equals_a_plain_computation(self, study: StudyResult) -> None:
        hospitals = {row["hospital_ccn"]: row for row in study.figures.tables["opportunity_by_hospital"].to_dicts()}
        assert hospitals["7"]["cost_above_best_practice"] == D("-1000.00")
        assert hospitals["7"]["potential_savings"] == D("-500.00")
        assert hospitals["7"]["best_practice_variance"] == D("0.00")
        large = hospitals["214"]
        assert (large["cases"], large["physicians"], large["cost"]) == (9, 5, D("177000.00"))
        assert large["best_practice_cost"] == D("144000.00")
        assert large["potential_savings"] == D("16500.00")
        assert large["best_practice_variance"] == D("36500.00")
        assert large["available_incentive"] == D("3650.00")
        surgeons = study.figures.tables["opportunity_by_physician"]
        assert surgeons.filter(pl.col("npi") == "200001").select("hospitals", "cases").row(0) == (2, 2)

    def test_every_discharge_is_accounted_for(self, study: StudyResult) -> None:
        only, totals = study.plan.inputs[0], study.figures.totals
        assert (only.rows_read, only.accepted, only.excluded) == (13, 12, 1)
        assert (totals.cases, totals.excluded, totals.without_norm, totals.with_norm) == (12, 1, 1, 10)
        assert study.figures.tables["exclusions"].rows() == [("DIED", 1, D("90000.00")), ("NO_NORM", 1, D("80000.00"))]

    def test_the_study_states_its_assumptions(self, study: StudyResult) -> None:
        assert set(study.plan.statements) == {
            "the window is its own base year",
            "every responsible physician counts as a care partner",
            "nothing is payable",
            "license numbers are used in place of NPIs",
            "no cost_factors file: every factor is 1",
            "the file has no charge lines: cost_method is reported, not the policy's markup",
            "1 of 13 rows could not be used and were left out",
        }
        assert study.plan.policy.base_year == 2016

    def test_files_have_names_figures_and_totals(self, home: Home, study: StudyResult) -> None:
        assert study.folder == home.studies / "sparcs-2016"
        assert sorted(path.name for path in study.folder.iterdir()) == list(study.files)
        with (study.folder / "opportunity_by_hospital.csv").open(newline="") as stream:
            names = {line["hospital_ccn"]: line["hospital_name"] for line in csv.DictReader(stream)}
        assert names == {"214": "'" + TRICKY_NAME, "7": "Hilltop Hospital"}
        parquet = pl.read_parquet(study.folder / "performance_incentives.parquet")
        assert parquet.equals(study.figures.tables["performance_incentives"])
        described = json.loads((study.folder / "study.json").read_text())
        assert described["totals"]["performance_incentive"] == "679.33"
        assert study.as_dict()["files"] == list(study.files)

    def test_the_same_study_gives_the_same_bytes(self, home: Home, file: Path, study: StudyResult) -> None:
        before = {name: (study.folder / name).read_bytes() for name in study.files}
        (study.folder / "left over.txt").write_text("from an older version")
        again = run_sparcs_study(home, file, 2016, POLICY)
        assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == before


class TestWithoutLicenseNumbers:
    def test_norms_are_over_cases_and_pay_nothing(self, anonymous: StudyResult) -> None:
        assert norms(anonymous) == {
            "case_percentile": (D("15750.00"), D("23000.00")),
            "mean_below_threshold": (D("14500.00"), None),
        }
        assert anonymous.figures.tables["norms"]["improvement_ceiling_cost"].null_count() == 1
        assert anonymous.plan.policy.norm_method == "case_percentile"

    def test_tables_by_physician_are_empty(self, anonymous: StudyResult) -> None:
        tables = anonymous.figures.tables
        assert tables["opportunity_by_physician"].is_empty()
        assert tables["performance_incentives"].is_empty()
        assert tables["opportunity_by_hospital"]["cases"].to_list() == [9, 1]
        assert anonymous.figures.totals.excluded == 1  # the death, not the missing physicians

    def test_missing_license_numbers_are_reported(self, anonymous: StudyResult) -> None:
        statement = "the file has no license numbers: the norms are by case_percentile and there are no physician rows"
        assert statement in anonymous.plan.statements
        assert "license numbers are used in place of NPIs" not in anonymous.plan.statements
        shown = console_text(anonymous, 100)
        assert statement.split(":")[0] in shown
        assert "14,500" in shown
        assert "Performance incentives" not in shown
        assert "14,500" in (anonymous.folder / "study.html").read_text()
        assert "Performance incentives" not in (anonymous.folder / "study.html").read_text()


def console_text(result: StudyResult, width: int) -> str:
    stream = io.StringIO()
    print_study(result, Console(file=stream, width=width))
    return stream.getvalue()


class TestReading:
    @pytest.mark.parametrize("width", [80, 140])
    def test_the_console_shows_statements_and_figures_within_its_width(self, study: StudyResult, width: int) -> None:
        shown = console_text(study, width)
        assert all(statement[:40] in shown for statement in study.plan.statements)
        for figure in ("16,000", "15,750", "14,500", "36,500", "33,000", "233", "162", "679.33"):
            assert figure in shown
        assert "license number" in shown
        assert max(len(line) for line in shown.splitlines() if str(study.folder) not in line) <= width

    def test_the_page_needs_no_network_and_runs_nothing(self, study: StudyResult) -> None:
        page = Page()
        page.feed((study.folder / "study.html").read_text(encoding="utf-8"))
        assert not {"script", "link", "img", "iframe", "b"} & page.tags.keys()
        assert page.tags["h1"] == 1
        assert page.language == "en"
        assert page.open == []
        assert page.unlabelled_charts == 0 and page.tags["svg"] == 3
        assert page.tags["caption"] == page.tags["table"]
        text = " ".join(page.text)
        assert TRICKY_NAME in text
        for figure in ("16,000.00", "15,750.00", "14,500.00", "233.20", "16,500"):
            assert figure in text


class Page(HTMLParser):
    """The parts of a page that tests check: its tags, whether they close, and its text."""

    VOID = ("meta", "br", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.open: list[str] = []
        self.text: list[str] = []
        self.language = ""
        self.unlabelled_charts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang") or ""
        self.unlabelled_charts += tag == "svg" and "aria-labelledby" not in given
        assert "://" not in str(given.get("src") or given.get("href") or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(" ".join(data.split()))


class TestCostFactors:
    HEADER = "hospital_ccn,rate_center,rate_year,markup,cost_to_charge,labor_market,ime,dsh\n"

    def factors(self, tmp_path: Path, lines: str) -> Home:
        home = Home(tmp_path / "home")
        (home.inbox / "reference").mkdir(parents=True)
        (home.inbox / "reference" / "cost_factors.csv").write_text(self.HEADER + lines)
        return home

    def test_factors_of_the_files_hospitals_are_used(self, tmp_path: Path, file: Path) -> None:
        home = self.factors(tmp_path, "000214,ALL,2016,2,,2,0,0\n000007,ALL,2016,2,,2,0,0\n")
        result = run_sparcs_study(home, file, 2016, POLICY)
        assert norms(result)["physician_percentile"] == (D("8000.00"), D("11000.00"))
        assert "cost factors are those of inbox/reference/cost_factors.csv" in result.plan.statements

    def test_factors_that_lack_a_hospital_are_refused(self, tmp_path: Path, file: Path) -> None:
        home = self.factors(tmp_path, "000214,ALL,2016,2,,1,0,0\n000007,ALL,2015,2,,1,0,0\n")
        with pytest.raises(HcipError, match="no row ALL for rate year 2016 for 1 hospital: 7"):
            run_sparcs_study(home, file, 2016, POLICY)

    def test_factors_of_other_hospitals_are_not_used(self, tmp_path: Path, file: Path) -> None:
        home = self.factors(tmp_path, f"{HOSPITAL},ALL,2016,2,,2,0,0\n")
        plan = plan_sparcs_study(home, "other", read_sparcs(file, 2016, tmp_path / "read"), POLICY)
        assert "the cost_factors file names none of these hospitals: every factor is 1" in plan.statements
        factors = plan.spec.sources["cost_factors"]
        assert isinstance(factors, pl.DataFrame)
        assert factors.select("hospital_ccn", "labor_market", "ime", "dsh").rows() == [
            ("214", D(1), D(0), D(0)),
            ("7", D(1), D(0), D(0)),
        ]


class TestRefusals:
    @pytest.mark.parametrize("name", ["../elsewhere", "", "a b", ".hidden", "x" * 65])
    def test_an_invalid_name(self, tmp_path: Path, file: Path, name: str) -> None:
        with pytest.raises(UsageError, match="not a valid study name"):
            run_sparcs_study(Home(tmp_path), file, 2016, name=name)

    def test_a_study_of_another_year_does_not_replace_an_earlier_one(
        self, home: Home, study: StudyResult, tmp_path: Path
    ) -> None:
        other = write(tmp_path / "a.csv", [row(Discharge_Year="2014")])
        with pytest.raises(HcipError, match="only of 2014"):
            run_sparcs_study(home, other, 2016)
        assert (study.folder / "study.html").exists()

    def test_without_a_large_enough_cell_there_are_no_norms(self, tmp_path: Path) -> None:
        few = write(tmp_path / "a.csv", [ROW] * 5)
        result = run_sparcs_study(Home(tmp_path / "home"), few, 2016)
        assert result.figures.tables["norms"].is_empty()
        assert (result.figures.totals.without_norm, result.figures.totals.with_norm) == (5, 0)
        assert "No cell has enough cases" in (result.folder / "study.html").read_text()
        assert "5 in cells without a norm" in console_text(result, 120)


class TestWindowStudy:
    DISCHARGE = (
        "hospital_ccn,account_no,patient_id,birth_date,sex,zip_code,admit_date,discharge_date,nature_of_admission,"
        "source_of_admission,discharge_disposition,primary_payer,attending_npi,operating_npi,principal_diagnosis,"
        "diagnoses,procedures,grouper_version,apr_drg,severity_of_illness,risk_of_mortality,hac_flags,total_charges\n"
    )

    @pytest.fixture
    def filled(self, tmp_path: Path) -> Home:
        """A home whose lake has the worked example as one submission; every charge is twice the cost."""
        home = Home(tmp_path / "home")
        folder = home.inbox / "hospital" / "2025Q1" / HOSPITAL
        folder.mkdir(parents=True)
        cases = [(surgeon, cost) for surgeon, costs in COSTS.items() for cost in costs] + [(1, 1)] * 3
        stays, lines = self.DISCHARGE, "hospital_ccn,account_no,revenue_code,service_date,units,charge\n"
        for number, (surgeon, cost) in enumerate(cases, start=1):
            day = dt.date(2025, 1, 5) + dt.timedelta(days=5 * number)  # the last three after 28 February
            stays += (
                f"{HOSPITAL},A{number},P{number},1950-01-01,F,21201,{day - dt.timedelta(days=3)},{day},5,1,01,01,"
                f"{npi(surgeon)},{npi(surgeon)},M1611,,,38,301,3,1,,{2 * cost}.00\n"
            )
            lines += f"{HOSPITAL},A{number},0360,{day},1,{2 * cost}.00\n"
        (folder / "discharges.csv").write_text(stays)
        (folder / "charges.csv").write_text(lines)
        (home.inbox / "reference").mkdir()
        factors = TestCostFactors.HEADER + f"{HOSPITAL},ALL,2025,2,,1,0,0\n"
        (home.inbox / "reference" / "cost_factors.csv").write_text(factors)
        write_lake_reference(home.inbox, home.lake_reference)
        receipts = ingest_quarter(home, Quarter(2025, 1), POLICY)
        assert [receipt.status for receipt in receipts] == ["accepted"]
        return home

    def test_submitted_data_give_norms_and_incentives(self, filled: Home) -> None:
        result = run_window_study(filled, dt.date(2025, 1, 1), dt.date(2025, 2, 28), POLICY)
        assert result.figures.totals.cases == 10
        assert norms(result)["physician_percentile"] == (D("16000.00"), D("22000.00"))
        incentives = result.figures.tables["performance_incentives"]
        assert dict(incentives.select("npi", "performance_incentive").rows()) == {
            npi(surgeon): earned for surgeon, earned in EARNED.items()
        }
        assert "license numbers are used in place of NPIs" not in result.plan.statements
        assert result.plan.policy.cost_method == "markup"
        assert result.plan.inputs[0].file == f"hospital/2025Q1/{HOSPITAL}/charges.csv"
        assert result.folder.name == "2025-01-01_2025-02-28"

    def test_an_empty_lake_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(HcipError, match="no hospital data for 2025-01-01 to 2025-03-31") as caught:
            run_window_study(Home(tmp_path), dt.date(2025, 1, 1), dt.date(2025, 3, 31))
        assert "2025Q1" in caught.value.fix

    def test_a_window_that_ends_before_it_starts_is_wrong_usage(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="before it starts"):
            run_window_study(Home(tmp_path), dt.date(2025, 3, 31), dt.date(2025, 1, 1))
