"""Reports of a small settled state: their figures are the release's, and each reader sees only what is theirs."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from hcip_pipeline.contracts import survey
from hcip_pipeline.contracts.payment_reasons import parse_reasons
from hcip_pipeline.html_pages import show_controls
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.reports import physician, words
from hcip_pipeline.reports.documents import render_reports
from hcip_pipeline.reports.figures import ReportSource
from hcip_pipeline.reports.meeting import meeting
from hcip_pipeline.reports.oversight import committee, oversight_page
from hcip_pipeline.reports.oversight_workbook import oversight_workbook
from hcip_pipeline.reports.physician import physician_page
from hcip_pipeline.warehouse.project import PROJECT
from tests.html_tables import Page
from tests.released_state import PERIOD, A, B, C, State, released, unreleased  # noqa: F401 - fixtures
from tests.scenario import npi

HOSPITALS = (A, B, C)


@pytest.fixture(scope="module")
def files(released: Path) -> ReleaseFiles:  # noqa: F811
    return ReleaseFiles.at(released)


@pytest.fixture(scope="module")
def draft(files: ReleaseFiles, released: Path, unreleased: State) -> Draft:  # noqa: F811
    inputs = json.loads((released / "datapackage.json").read_bytes())["inputs"]
    return Draft(unreleased.home, PERIOD, 1, unreleased.policy, files, HOSPITALS, tuple(inputs))


def _page(released: Path, path: str) -> Page:  # noqa: F811
    return Page((released / path).read_text(encoding="utf-8"))


def _pages(released: Path) -> list[Path]:  # noqa: F811
    return [*sorted(released.glob("reports/**/*.html")), *sorted(released.glob("audit/*.html"))]


def test_every_reader_has_a_report_and_every_link_leads_somewhere(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    for ccn in HOSPITALS:
        folder = released / "reports" / ccn
        for name in (
            "meeting.html",
            "payments.csv",
            "explorer.html",
            "oversight.html",
            "oversight.xlsx",
            "post_acute.html",
            "missing_information.csv",
            f"survey_{ccn}_{PERIOD}.xlsx",
        ):
            assert (folder / name).is_file(), name
        partners = files.table("incentives", ccn)["npi"].to_list()
        assert sorted(path.stem for path in (folder / "physicians").iterdir()) == sorted(partners)
    linked = {released / "reports" / "index.html"}
    for path in _pages(released):
        page = Page(path.read_text(encoding="utf-8"))
        assert len(page.ids) == len(set(page.ids)), f"{path.name} has an id twice"
        for link in page.links:
            target, _, place = link.partition("#")
            if path.name in ("index.html", "oversight.html", "meeting.html"):
                linked.add((path.parent / target).resolve())
            assert not target or (path.parent / target).resolve().is_file(), f"{path.name}: {link}"
            assert target or place in page.ids, f"{path.name}: {link}"
    unlinked = {path for path in released.glob("reports/**/*") if path.is_file()} - linked
    assert {path.name for path in unlinked} <= {"data_quality.csv"}, "reached from the index or a committee's report"
    index = _page(released, "reports/index.html")
    assert not any(name in index.text for name in files.table("incentives")["name"]), "a physician on a shared page"


def test_a_page_needs_no_network_and_no_script(released: Path) -> None:  # noqa: F811
    for path in _pages(released):
        if path.name == "explorer.html":  # the one page with scripts: test_explorer
            continue
        page = Page(path.read_text(encoding="utf-8"))
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"script", "link", "img", "iframe"}, path.name
        assert not any({"src", "onclick", "style"} & attributes.keys() for _, attributes in page.tags), path.name
        assert "url(" not in path.read_text() and "://" not in path.read_text(), path.name


def test_charts_and_tables_can_be_read_aloud(released: Path) -> None:  # noqa: F811
    for path in _pages(released):
        page = Page(path.read_text(encoding="utf-8"))
        for tag, attributes in page.tags:
            if tag == "svg":
                assert attributes.get("aria-hidden") == "true" or attributes.get("role") == "img"
                named = (attributes.get("aria-labelledby") or "").split()
                assert attributes.get("role") != "img" or (named and set(named) <= set(page.ids))
            if tag == "th":
                assert attributes.get("scope"), f"{path.name} has a header cell without a scope"
            if attributes.get("class") == "wide":
                assert attributes.get("tabindex") == "0" and attributes.get("aria-label")


def test_the_physicians_waterfall_is_the_releases(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    columns = {
        "Calculated incentive": "calculated_incentive",
        "Conditions of payment": "conditions_adjustment",
        "Standing": "standing_adjustment",
        "Committee's adjustment": "committee_adjustment",
        "Fee-schedule cap": "pfs_cap_adjustment",
        "Hospital's distribution limit": "distribution_limit_adjustment",
        "Final incentive": "final_incentive",
    }
    for row in files.table("incentives").iter_rows(named=True):
        page = _page(released, f"reports/{row['hospital_ccn']}/physicians/{row['npi']}.html")
        steps = page.table("Step")
        for name, column in columns.items():
            (step,) = (cells for cells in steps if cells[0].startswith(name))
            reported = step[3] if name.endswith("incentive") else step[2]
            assert reported == words.money(row[column]), f"{row['npi']}: {name}"
        assert words.STATUSES[row["status"]] in page.text
        for reason in parse_reasons(row["reasons"], row["final_incentive"]):
            assert reason.sentence in page.text.replace("\n", " ")
        is_held = row["status"] == "HELD"
        assert ("is held" in page.text, "Held" in page.text) == (is_held, is_held)


def test_a_physician_above_the_gate_sees_which_cases_earn_nothing(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    cells = files.table("physician_cells").filter(
        (pl.col("npi") == npi(3)) & (pl.col("mean_cost") > pl.col("p75_cost"))
    )
    own = files.table("incentive_cases", A).filter(pl.col("npi") == npi(3))
    gated = own.join(cells, on=["npi", "apr_drg", "severity_of_illness"], how="semi")
    assert gated.height > 0 and gated["performance_incentive"].sum() == 0
    text = " ".join(_page(released, f"reports/{A}/physicians/{npi(3)}.html").text.split())
    which = f"{gated.height} cases" if gated.height == own.height else f"{gated.height} other cases"
    assert f"{which} earned nothing, because your mean for cases of their kind, over all hospitals" in text


def test_a_pending_screening_is_not_called_done() -> None:
    assert ", screened, " in physician.good_standing([])
    assert "screened" not in physician.good_standing(parse_reasons("SCREENING_NOT_CLEARED"))


def test_the_performance_sentence_counts_every_case_once() -> None:
    fractions = [1, 1, "0.4", 0, 1, 0, "0.2"]
    cases = [
        {"npi": "1", "apr_drg": "301", "severity_of_illness": str(at // 4), "performance_fraction": Decimal(each)}
        for at, each in enumerate(fractions)
    ]
    counted = "2 cases at or below best practice, 1 case between it and the 75th percentile and 1 case at or above the"
    assert physician.performance_words(cases, frozenset({("1", "301", "1")})) == [
        f"You had {counted} 75th percentile, which earns nothing.",
        "3 other cases earned nothing, because your mean for cases of their kind, over all hospitals, is above the "
        "75th percentile.",
    ]
    assert physician.performance_words(cases[:1], frozenset()) == ["You had 1 case at or below best practice."]
    (alone,) = physician.performance_words(cases[:1], frozenset({("1", "301", "0")}))
    assert alone.startswith("1 case earned nothing, because your mean for cases of that kind, ")
    assert physician.performance_words([], frozenset()) == []


def test_the_audit_report_counts_all_findings_and_rounds_the_number_of_figures(
    released: Path,  # noqa: F811
    files: ReleaseFiles,
) -> None:
    page, text = _page(released, "audit/audit_report.html"), (released / "audit/audit_report.html").read_text()
    found = files.table("audit_findings").height
    assert not files.table("audit_findings")["what_to_do"].str.contains("[<{]period").any(), "the period is filled in"
    lines = len(page.table("Id", "Severity"))
    assert (f"{lines} lines for {found} findings" in text) == (lines < found)
    assert page.table("Rule", "Dollars", "Differences")
    (figures,) = re.findall(r"at least ([0-9,]+) figures were recomputed", text)
    assert re.fullmatch(r"[1-9][0-9]?0+", figures.replace(",", ""))


def test_the_physicians_cells_are_sums_of_their_cases(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    own = files.table("incentive_cases", A).filter(pl.col("npi") == npi(2))
    page = _page(released, f"reports/{A}/physicians/{npi(2)}.html")
    reported = {cells[0].split()[0]: cells for cells in page.table("APR-DRG, SOI", "Cases")}
    grouped = own.partition_by("apr_drg", "severity_of_illness", as_dict=True)
    assert len(reported) == len(grouped) > 1
    for (apr_drg, severity), cases in grouped.items():
        cells = reported[f"{apr_drg}-{severity}"]
        assert cells[1].split()[0] == str(cases.height)
        mean = Decimal(cases["cost"].sum()) / cases.height
        assert cells[2] == words.dollars(mean)
        assert cells[6] == words.money(cases["performance_incentive"].sum())
    (listed,) = (rows for rows in page.tables if rows[0][:2] == ["APR-DRG, SOI", "Days"])
    assert len(listed) - 1 == own.height
    comparison = files.table("physician_comparison", A).filter((pl.col("npi") == npi(2)) & (pl.col("stream") == "all"))
    (row,) = comparison.to_dicts()
    history = page.table("Period", "Cases", "Cost per case")
    assert history[-1][2:5] == [
        words.dollars(row[name]) for name in ("adjusted_cost", "baseline_adjusted_cost", "norm_adjusted_cost")
    ]


def test_a_physicians_page_mentions_no_one_else(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    accounts = files.table("incentive_cases")["account_no"].to_list()
    people = files.table("incentives").select("npi", "name").unique().rows()
    for path in sorted(released.glob("reports/*/physicians/*.html")):
        text = Page(path.read_text(encoding="utf-8")).text
        stated = set(re.findall(r"\w+", text))
        assert not stated & set(accounts), "an account number"
        for other, name in people:
            assert other == path.stem or (other not in text and name not in text), "a named peer"


def test_the_committees_tables_are_the_releases(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    for ccn in HOSPITALS:
        page = _page(released, f"reports/{ccn}/oversight.html")
        levels = files.table("opportunity", ccn)
        reported = {cells[0]: cells for cells in page.table("Service line", "Cases", "Cost")}
        for row in levels.filter(pl.col("level").is_in(["service_line", "institution"])).iter_rows(named=True):
            cells = reported["Institution" if row["level"] == "institution" else row["service_line"]]
            assert cells[1:3] == [words.count(row["cases"]), words.dollars(row["cost"])]
            assert cells[-1] == words.dollars(row["potential_savings"])
            assert cells[5] == words.signed_dollars(row["difference_from_statewide"])
        apr_drgs = [
            cells for rows in page.tables if rows[0][:3] == ["APR-DRG", "Cases", "Physicians"] for cells in rows
        ]
        for row in levels.filter(pl.col("level") == "apr_drg").iter_rows(named=True):
            (cells,) = (cells for cells in apr_drgs if cells[0].split()[0] == row["apr_drg"])
            assert cells[1:4] == [
                words.count(row["cases"]), words.count(row["physicians"]), words.dollars(row["mean_cost"])
            ]  # fmt: skip
        centers = {cells[0].split()[0]: cells for cells in page.table("Cost center", "Group")}
        for row in files.table("cost_centers", ccn).filter(pl.col("service_line") == "ALL").iter_rows(named=True):
            assert centers[row["rate_center"]][3] == words.dollars(row["cost"])
            assert centers[row["rate_center"]][6] == words.signed_dollars(row["difference_from_statewide"])
        payments = {cells[0]: cells for cells in page.table("Care partner", "Calculated")}
        for row in files.table("incentives", ccn).iter_rows(named=True):
            cells = payments[show_controls(row["name"]).strip()]
            assert (cells[1], cells[7]) == (
                words.money(row["calculated_incentive"]),
                words.money(row["final_incentive"]),
            )
        conditions = files.table("condition_measures", ccn)
        if conditions.height:
            rows = page.table("Condition", "Measure and threshold")
            assert [cells[3:6] for cells in rows] == [
                [str(row["met"]), str(row["not_met"]), str(row["missing"])] for row in conditions.iter_rows(named=True)
            ]
        assert "Physician 9" not in page.text and npi(9) not in page.text, "non-participants are not named"


def test_the_committee_sees_its_own_measures_in_full(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unlike the published scorecard, which hides small counts and their values."""
    source = ReportSource(draft)
    own = next(row for row in source.current.of_hospital("quality_measures", A) if row["level"] == "hospital")
    own |= {"value": Decimal("0.125"), "baseline_value": Decimal("0.25")}
    hidden = {"entity_kind": "hospital", "entity_id": A, "measure": own["measure"], "value": None}
    card, frame = pl.DataFrame([hidden | {"baseline_value": None, "change": None}]), source.current.frame
    monkeypatch.setattr(source.current, "frame", lambda name: card if name == "quality_scorecard" else frame(name))
    (shown,) = committee(source, A, []).quality
    assert (shown["value"], shown["baseline_value"], shown["change"]) == (Decimal("0.125"), Decimal("0.25"), None)


def test_findings_of_the_guardrails_are_shown_to_the_committee(draft: Draft) -> None:
    source = ReportSource(draft)
    none = Page(oversight_page(source, A, committee(source, A, [])).decode())
    assert "None: " in none.text and "Many more discharges" not in none.text
    guardrails = source.current.of_hospital("guardrails", A)
    found = next(row for row in guardrails if row["level"] == "care_partner")
    found |= {"is_finding": True, "sign": "VOLUME", "observed": 41, "expected_by_past": Decimal("17.25"), "npi": npi(1)}
    found |= {"expected_as_state": None, "cases": None}
    content = committee(source, A, [])
    assert len(content.signs) == 1 and content.comparisons == len(guardrails)
    rows = Page(oversight_page(source, A, content).decode()).table("Who", "Sign", "Observed")
    assert rows == [["=SUM(A1), MD", "Many more discharges", "41", "–", "17.3", "–"]]
    book = openpyxl.load_workbook(io.BytesIO(oversight_workbook(source, content, meeting(source, A, content, []))))
    assert "Many more discharges" in {cell.value for row in book["Warning signs"].iter_rows() for cell in row}


def test_the_statewide_totals_add_up(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    rows = _page(released, "audit/statewide.html").table("Hospital", "Program year")
    incentives = files.table("incentives")
    payable = incentives.filter(pl.col("status") == "PAYABLE")["final_incentive"].sum()
    assert [cells[0] for cells in rows] == [f"Hospital {ccn} {ccn}" for ccn in HOSPITALS] + ["State"]
    assert rows[-1][7] == words.dollars(incentives["calculated_incentive"].sum())
    assert rows[-1][9] == words.dollars(payable)


def test_the_workbook_has_the_same_figures_and_no_formulas(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    book = openpyxl.load_workbook(released / "reports" / A / "oversight.xlsx")
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    sheet = book["Payments"]
    heads = [cell.value for cell in sheet[4]]
    reported = {row[heads.index("NPI")]: row for row in sheet.iter_rows(min_row=5, values_only=True)}
    for row in files.table("incentives", A).iter_rows(named=True):
        cells = reported[row["npi"]]
        assert Decimal(str(cells[heads.index("Final")] or 0)) == row["final_incentive"]
        assert cells[heads.index("Care partner")] == row["name"]


def test_missing_information_is_listed(released: Path) -> None:  # noqa: F811
    rows = list(csv.DictReader(io.StringIO((released / "reports" / A / "missing_information.csv").read_text())))
    missing = {(row["npi"], row["item"], row["subject"]) for row in rows}
    assert (npi(2), "CONDITION_RESULT", "A3") in missing
    assert ("", "MEETINGS", "oversight committee") in missing
    assert {row["item"] for row in rows} >= {"TIN", "SPECIALTY"}
    assert all(row["what_to_do"] for row in rows)
    without = list(csv.DictReader(io.StringIO((released / "reports" / C / "missing_information.csv").read_text())))
    assert "PROTOCOL" in {row["item"] for row in without}


def test_the_survey_form_asks_each_care_partner_for_each_condition(released: Path, files: ReleaseFiles) -> None:  # noqa: F811
    book = openpyxl.load_workbook(released / "reports" / A / f"survey_{A}_{PERIOD}.xlsx")
    assert book[survey.COVER][survey.HOSPITAL_CELL].value == A
    sheet = book[survey.CONDITIONS.name]
    assert tuple(cell.value for cell in sheet[survey.HEAD_ROW]) == survey.CONDITIONS.titles
    rows = list(sheet.iter_rows(min_row=survey.HEAD_ROW + 1, values_only=True))
    conditions = files.table("conditions", A)
    assert [(row[0], row[2], row[5]) for row in rows] == conditions.select("npi", "condition_id", "met").rows()
    assert {validation.type for validation in sheet.data_validations.dataValidation} == {"list", "date"}
    assert not sheet["F5"].protection.locked and sheet["A5"].protection.locked and sheet.protection.sheet


def test_text_from_people_is_shown_and_not_executed(draft: Draft) -> None:
    source = ReportSource(draft)
    partner = source.current.of_hospital("incentives", A)[0] | {"name": "<script>alert(1)</script> & Sons"}
    text = physician_page(source, A, partner).decode()
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons" in text


def test_the_list_of_single_cases_ends_with_a_note(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a physician with a hundred thousand cases, the page must stay small enough to open."""
    source = ReportSource(draft)
    partner = source.current.of_partner("incentives", A, npi(2))[0]
    cases = len(source.current.of_partner("incentive_cases", A, npi(2)))
    whole = physician_page(source, A, partner).decode()
    monkeypatch.setattr(physician, "SHOWN", 2)
    cut = physician_page(source, A, partner).decode()
    assert len(whole.splitlines()) - len(cut.splitlines()) == cases - 2 > 0
    assert f"The first 2 of {cases}, without account numbers" in cut and "The first 2" not in whole


def _under(draft: Draft, **changes: object) -> Draft:
    """The draft as if it had been settled under another policy; its figures stay."""
    return replace(draft, policy=replace(draft.policy, policy=draft.policy.policy.model_copy(update=changes)))


@pytest.mark.parametrize("failure", ["lose_weight", "lose_all"])
def test_a_failed_condition_is_explained_as_the_policy_has_it(draft: Draft, failure: str) -> None:
    source = ReportSource(_under(draft, condition_failure=failure))
    partner = source.current.of_partner("incentives", A, npi(2))[0] | {"conditions_met_weight": Decimal("0.5")}
    text = physician_page(source, A, partner | {"conditions_adjustment": -partner["calculated_incentive"]}).decode()
    assert ("the whole amount is lost if any condition is not met" in text) == (failure == "lose_all")
    assert ("Each condition is rounded to the cent" in text) == (failure == "lose_weight")


@pytest.mark.parametrize("gate", ["cell_mean", "none"])
def test_pages_mention_the_gate_only_if_the_policy_has_one(draft: Draft, gate: str) -> None:
    documents = render_reports(_under(draft, performance_gate=gate))
    text = next(each.content.decode() for each in documents if each.path == f"reports/{A}/oversight.html")
    assert ("earns nothing for that kind of case" in text) == (gate == "cell_mean")
    assert "improvement is measured against each physician" in text


def test_the_same_release_gives_the_same_bytes(draft: Draft, released: Path) -> None:  # noqa: F811
    for document in render_reports(draft):
        assert (released / document.path).read_bytes() == document.content, document.path


def _luminance(color: str) -> float:
    digits = color.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    linear = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_enough_contrast_on_every_background() -> None:
    style = (PROJECT.parent / "hcip_pipeline/templates/style.css.j2").read_text()
    palettes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block)) for block in style.split(":root")[1:]]
    assert len(palettes) == 3, "light, dark and paper"
    for palette in palettes:
        for text in ("ink", "soft", "own", "good", "warn", "bad"):
            for ground in ("paper", "wash"):
                dark, light = sorted((_luminance(palette[text]), _luminance(palette[ground])))
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground, palette[text], palette[ground])
