"""The synthetic state: reproducible, coherent, free of faults, and varied enough to settle."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.program.ingest import ingest_program
from hcip_pipeline.intake.protocol.ingest import load_protocols
from hcip_pipeline.periods import PerformancePeriod, Quarter, rate_year
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.reference.dispositions import load_dispositions
from hcip_pipeline.reference.tables import load_reference, read_reference
from hcip_pipeline.synthetic import StateArguments, SynthReport, demo_state, generate_state

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> SynthReport:
    return demo_state(tmp_path_factory.mktemp("demo") / "inbox", seed=2025)


@pytest.fixture(scope="module")
def discharges(demo: SynthReport) -> pl.DataFrame:
    """Every discharge, typed by the contract, with APR-DRG type and MDC; reading fails if a cell does not fit."""
    frame = _read(demo.inbox, "discharges.csv", DISCHARGES.names).with_columns(
        pl.col("birth_date", "admit_date", "discharge_date").str.to_date("%Y-%m-%d"),
        pl.col("total_charges", "reported_cost").cast(pl.Decimal(18, 2)),
    )
    drgs = load_reference(None)["apr_drg"].select("grouper_version", "apr_drg", "type", "mdc")
    return frame.join(drgs, on=["grouper_version", "apr_drg"], how="left").with_columns(
        days=(pl.col("discharge_date") - pl.col("admit_date")).dt.total_days(),
        age=((pl.col("admit_date") - pl.col("birth_date")).dt.total_days() / 365.25).floor(),
    )


@pytest.fixture(scope="module")
def charges(demo: SynthReport) -> pl.DataFrame:
    return _read(demo.inbox, "charges.csv", CHARGES.names).with_columns(
        pl.col("service_date").str.to_date("%Y-%m-%d"),
        pl.col("units").cast(pl.Int64),
        pl.col("charge").cast(pl.Decimal(18, 2)),
    )


def _read(inbox: Path, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    frames = []
    for path in sorted(inbox.glob(f"hospital/*/*/{name}")):
        frame = pl.read_csv(path, infer_schema=False)
        assert tuple(frame.columns) == columns
        frames.append(frame.with_columns(quarter=pl.lit(path.parts[-3]), folder=pl.lit(path.parts[-2])))
    return pl.concat(frames)


def test_charge_lines_and_control_totals_add_up_exactly(
    demo: SynthReport, discharges: pl.DataFrame, charges: pl.DataFrame
) -> None:
    key = ["hospital_ccn", "account_no"]
    assert discharges.select(key).is_duplicated().sum() == 0
    sums = charges.group_by(key).agg(pl.col("charge").sum())
    joined = discharges.join(sums, on=key, how="full", coalesce=True)
    assert len(joined) == len(discharges) and (joined["total_charges"] == joined["charge"]).all()
    assert charges["charge"].min() > 0
    for path in demo.inbox.glob("hospital/*/*/control_totals.json"):
        own = discharges.filter(quarter=path.parts[-3], folder=path.parts[-2])
        lines = charges.filter(quarter=path.parts[-3], folder=path.parts[-2])
        control = json.loads(path.read_text())
        assert (control["discharges"], control["charge_lines"]) == (len(own), len(lines))
        assert Decimal(control["total_charges"]) == own["total_charges"].sum()
    assert demo.total_charges == discharges["total_charges"].sum()
    assert (demo.discharges, demo.charge_lines) == (len(discharges), len(charges))
    assert 12 <= len(charges) / len(discharges) <= 17


def test_every_code_is_in_the_reference_tables(discharges: pl.DataFrame, charges: pl.DataFrame) -> None:
    assert discharges["type"].null_count() == 0
    assert set(discharges["discharge_disposition"]) <= set(load_dispositions()["disposition_code"])
    ranges = load_reference(None)["revenue_codes"]
    for code in charges["revenue_code"].unique():
        assert not ranges.filter(pl.col("revenue_code_from") <= code, pl.col("revenue_code_to") >= code).is_empty()
    for column in DISCHARGES.columns:
        cells = discharges[column.name].drop_nulls()
        if column.allowed:
            assert set(cells) <= set(column.allowed)
        if column.max_length:
            assert cells.str.len_chars().max() <= column.max_length
    assert (discharges["hospital_ccn"] == discharges["folder"]).all()
    quarters = discharges.select(
        pl.format("{}Q{}", pl.col("discharge_date").dt.year(), pl.col("discharge_date").dt.quarter())
    ).to_series()
    assert (quarters == discharges["quarter"]).all()


def test_physicians_have_valid_identifiers_and_work_as_physicians_do(discharges: pl.DataFrame) -> None:
    npis = pl.concat([discharges["attending_npi"], discharges["operating_npi"]]).drop_nulls().unique()
    assert all(_luhn(npi) for npi in npis)
    surgical = discharges.filter(pl.col("type") == "P")
    assert surgical["operating_npi"].null_count() < 0.015 * len(surgical)
    assert discharges.filter(pl.col("type") == "M")["operating_npi"].drop_nulls().is_empty()
    assert (surgical["operating_npi"] != surgical["attending_npi"]).mean() > 0.2
    places = discharges.group_by("attending_npi").agg(pl.col("hospital_ccn").n_unique())
    assert (places["hospital_ccn"] > 1).sum() >= 5


def _luhn(npi: str) -> bool:
    digits = [int(digit) for digit in reversed("80840" + npi)]
    return len(npi) == 10 and sum(sum(divmod(2 * d, 10)) if n % 2 else d for n, d in enumerate(digits)) % 10 == 0


def test_shares_are_those_of_a_state(discharges: pl.DataFrame) -> None:
    def share(condition: pl.Expr) -> float:
        return float(discharges.select(condition.mean()).item())

    assert 0.07 < share(pl.col("mdc") == "15") < 0.13
    assert 0.02 < share(pl.col("mdc") == "19") < 0.06
    assert 0.22 < share(pl.col("type") == "P") < 0.33
    assert 0.010 < share(pl.col("discharge_disposition") == "20") < 0.025
    assert 0.005 < share(pl.col("discharge_disposition") == "07") < 0.02
    assert 0.008 < share(pl.col("discharge_disposition").is_in(["02", "05", "43", "66", "82"])) < 0.025
    assert 0 < share(pl.col("apr_drg").is_in(["955", "956"])) < 0.002
    assert 0 < share(pl.col("hac_flags").is_not_null()) < 0.02
    assert 0 < share(pl.col("patient_id").is_null()) < 0.01
    elder = discharges.filter(pl.col("age") >= 65)
    assert elder["primary_payer"].is_in(["01", "15"]).mean() > 0.8
    assert 3.5 < discharges.select(pl.max_horizontal("days", 1).mean()).item() < 5.5
    sizes = discharges.group_by("hospital_ccn").len()["len"]
    assert sizes.max() > 4 * sizes.min()
    babies, mothers = (discharges.filter(c) for c in (pl.col("mdc") == "15", pl.col("nature_of_admission") == "1"))
    assert len(mothers) <= len(babies) < 1.05 * len(mothers)
    assert (babies["birth_date"] == babies["admit_date"]).all() and (mothers["sex"] == "F").all()
    # A mean far above the median: costs are skewed, also within a cell.
    cell = discharges.filter(apr_drg="720", severity_of_illness="3")["reported_cost"].cast(pl.Float64)
    assert cell.mean() > 1.04 * cell.median()


def test_a_patient_stays_the_same_person_from_stay_to_stay(demo: SynthReport, discharges: pl.DataFrame) -> None:
    people = discharges.filter(pl.col("patient_id").is_not_null())
    alike = people.group_by("patient_id").agg(pl.col("birth_date", "sex", "zip_code").n_unique())
    assert alike.drop("patient_id").max().row(0) == (1, 1, 1)
    stays = people.sort("patient_id", "admit_date", "discharge_date").with_columns(
        pl.col("admit_date", "hospital_ccn").shift(-1).over("patient_id").name.prefix("next_")
    )
    back = stays.filter(pl.col("next_admit_date").is_not_null())
    assert (back["next_admit_date"] >= back["discharge_date"]).all()
    assert (back["discharge_disposition"] != "20").all()
    gap = (back["next_admit_date"] - back["discharge_date"]).dt.total_days()
    assert 0.08 < (gap <= 30).sum() / len(stays) < 0.16
    assert (
        0.1
        < (back.filter(gap <= 30).select(pl.col("next_hospital_ccn") != pl.col("hospital_ccn")).to_series().mean() or 0)
        < 0.45
    )
    sent_on = back.filter(pl.col("discharge_disposition") == "02")
    moved = sent_on.filter((sent_on["next_admit_date"] - sent_on["discharge_date"]).dt.total_days() <= 1)
    assert len(moved) > 0.5 * (stays["discharge_disposition"] == "02").sum()
    assert (moved["next_hospital_ccn"] != moved["hospital_ccn"]).all()
    links = pl.concat(pl.read_csv(path, infer_schema=False) for path in demo.truth.glob("patient_links/*.csv"))
    assert len(links) >= len(back)


def test_charges_are_the_cost_marked_up_by_the_regulators_rates(
    demo: SynthReport, discharges: pl.DataFrame, charges: pl.DataFrame
) -> None:
    """Methodology §2 backward: Σ charge ÷ markup is the cost that the hospital reports, to one cent per line."""
    tables = load_reference(demo.inbox)
    ranges = tables["revenue_codes"].with_columns(
        width=pl.col("revenue_code_to").cast(pl.Int64) - pl.col("revenue_code_from").cast(pl.Int64)
    )
    codes = charges.select("revenue_code").unique()
    centers = (
        codes.join_where(
            ranges,
            pl.col("revenue_code") >= pl.col("revenue_code_from"),
            pl.col("revenue_code") <= pl.col("revenue_code_to"),
        )
        .sort("width")
        .unique("revenue_code", keep="first", maintain_order=True)
        .select("revenue_code", "rate_center")
    )
    rates = tables["cost_factors"].select("hospital_ccn", "rate_center", "rate_year", pl.col("markup").cast(pl.Float64))
    everything = rates.filter(pl.col("rate_center") == "ALL").drop("rate_center").rename({"markup": "overall"})
    years = {str(q): rate_year(q.start) for q in map(Quarter.parse, demo.quarters)}
    priced = (
        charges.with_columns(rate_year=pl.col("quarter").replace_strict(years, return_dtype=pl.Int64))
        .join(centers, on="revenue_code")
        .join(rates, on=["hospital_ccn", "rate_center", "rate_year"], how="left")
        .join(everything, on=["hospital_ccn", "rate_year"])
        .with_columns(cost=pl.col("charge").cast(pl.Float64) / pl.coalesce("markup", "overall"))
    )
    assert priced["markup"].null_count() > 0  # some rate centers have only the row ALL
    sums = priced.group_by("hospital_ccn", "account_no").agg(pl.col("cost").sum(), pl.len())
    both = discharges.join(sums, on=["hospital_ccn", "account_no"])
    off = (both["reported_cost"].cast(pl.Float64) - both["cost"]).abs()
    assert (off <= 0.02 * both["len"]).all()
    assert float(rates["markup"].min()) > 1.05 and float(rates["markup"].max()) < 1.65


def test_dozens_of_cells_have_a_norm_and_physicians_differ_and_change(
    demo: SynthReport, discharges: pl.DataFrame
) -> None:
    responsible = pl.when(pl.col("type") == "P").then("operating_npi").otherwise("attending_npi")
    counted = discharges.with_columns(npi=responsible, year=pl.col("discharge_date").dt.year()).filter(
        pl.col("npi").is_not_null(),
        ~pl.col("mdc").fill_null("").is_in(["15", "19"]),
        ~pl.col("apr_drg").is_in(["560", "860", "955", "956"]),
        ~pl.col("discharge_disposition").is_in(["20", "07", "02", "05", "43", "66", "82", "30"]),
    )
    cell = ["apr_drg", "severity_of_illness"]
    base = counted.filter(pl.col("year") == 2023).with_columns(cost=pl.col("reported_cost").cast(pl.Float64))
    means = base.group_by(*cell, "npi").agg(pl.col("cost").mean(), pl.len()).filter(pl.col("len") >= 2)
    norms = (
        base.group_by(cell)
        .agg(cases=pl.len(), cell_cost=pl.col("cost").mean())
        .join(
            means.group_by(cell).agg(
                physicians=pl.len(), best=pl.col("cost").quantile(0.25), p75=pl.col("cost").quantile(0.75)
            ),
            on=cell,
        )
        .filter(pl.col("cases") >= 20, pl.col("physicians") >= 5)
    )
    assert len(norms) >= 60
    assert (norms["p75"] / norms["best"]).mean() > 1.15

    effects = pl.read_csv(demo.truth / "physicians.csv", schema_overrides={"npi": pl.String})
    relative = (
        counted.join(norms.select(*cell, "cell_cost"), on=cell)
        .with_columns(ratio=pl.col("reported_cost").cast(pl.Float64) / pl.col("cell_cost"))
        .join(effects.select("npi", "year", "trend"), on=["npi", "year"])
        .group_by("trend", "year")
        .agg(pl.col("ratio").median())
    )
    change = {
        trend: relative.filter(trend=trend, year=2025)["ratio"].item()
        / relative.filter(trend=trend, year=2023)["ratio"].item()
        for trend in ("improving", "steady", "worsening")
    }
    assert change["improving"] < change["steady"] < change["worsening"]


def test_outliers_are_far_out(demo: SynthReport, discharges: pl.DataFrame) -> None:
    planted = pl.concat(pl.read_csv(path, infer_schema=False) for path in demo.truth.glob("outliers/*.csv"))
    assert 0.001 < len(planted) / len(discharges) < 0.005
    cell = ["apr_drg", "severity_of_illness"]
    typical = discharges.group_by(cell).agg(
        pl.col("reported_cost").cast(pl.Float64).median().alias("typical"), pl.len()
    )
    far = discharges.join(planted, on=["hospital_ccn", "account_no"]).join(typical.filter(pl.col("len") > 20), on=cell)
    assert (far["reported_cost"].cast(pl.Float64) > 2 * far["typical"]).mean() > 0.95


def test_references_program_files_and_protocols_are_accepted_without_a_problem(demo: SynthReport) -> None:
    home = Home(demo.inbox.parent)
    policy = load_policy(home.policy).policy
    assert policy.base_year == 2023
    tables = read_reference(home.inbox)
    written = {"hospitals", "cost_factors", "cost_index", "per_diem", "networks", "excluded_individuals"}
    assert {name for name, table in tables.items() if table.source == "inbox"} == written
    assert not any(table.warnings for table in tables.values())
    names = tables["hospitals"].frame.get_column("name")
    assert names.is_unique().all() and names.str.ends_with("(SYNTHETIC)").all()
    assert not set(names) & set(load_reference(None)["hospitals"].get_column("name"))
    factors = tables["cost_factors"].frame
    for quarter in map(Quarter.parse, demo.quarters):
        covered = factors.filter(pl.col("rate_center") == "ALL", pl.col("rate_year") == rate_year(quarter.start))
        assert set(covered["hospital_ccn"]) == set(demo.hospitals)

    for key in ("2025H1", "2025H2"):
        period = PerformancePeriod.parse(key)
        meetings = pl.read_csv(home.inbox / "program" / key / "committee_meetings.csv", try_parse_dates=True)
        protocols = load_protocols(
            home.inbox, period, policy, meetings.with_columns(pl.col("hospital_ccn").cast(pl.String))
        )
        conditions = {(p.ccn, c.id) for p in protocols if p.protocol for c in p.protocol.conditions_of_payment}
        intake = ingest_program(home, period, conditions)
        assert not intake.unknown_files
        accepted = {receipt.table: receipt for receipt in intake.receipts if receipt.status == "accepted"}
        not_yet = {"payments", "program_corrections", "screening_clearances"}
        assert set(accepted) == {receipt.table for receipt in intake.receipts} - not_yet
        assert not any(receipt.rules_broken for receipt in accepted.values())
        # One hospital has no protocol; one approved its conditions after the first of the two periods began.
        assert len({p.ccn for p in protocols}) == len(demo.hospitals) - 1
        late = [p.ccn for p in protocols if any(each.rule == "APPROVED-AFTER-START" for each in p.problems)]
        assert len(late) == (1 if key == "2025H1" else 0)
        assert all(each.rule == "APPROVED-AFTER-START" for p in protocols for each in p.problems)
        elections = [p.protocol.elections.model_dump(exclude_unset=True) for p in protocols if p.protocol]
        assert any("mpi_floor" in chosen for chosen in elections)
        assert len(set(map(frozenset, elections))) == len(elections)  # no two hospitals elect the same


def test_care_partners_are_physicians_of_their_hospital_and_some_are_special(
    demo: SynthReport, discharges: pl.DataFrame
) -> None:
    partners = pl.read_csv(demo.inbox / "program/2025H2/care_partners.csv", infer_schema=False)
    assert all(_luhn(npi) for npi in partners["npi"])
    seen = pl.concat(
        [discharges.select("hospital_ccn", npi=pl.col(c)) for c in ("attending_npi", "operating_npi")]
    ).unique()
    known = partners.join(seen, on=["hospital_ccn", "npi"], how="semi")
    assert len(known) > 0.95 * len(partners)
    assert 0.3 < len(partners) / seen["npi"].drop_nulls().n_unique() < 1.1
    assert set(partners["screening_status"]) >= {"cleared"}
    assert pl.read_csv(demo.truth / "care_partners.csv")["planted"].n_unique() >= 4
    excluded = pl.read_csv(demo.inbox / "reference/excluded_individuals.csv", infer_schema=False)
    in_force = excluded.filter(pl.col("reinstated_date").is_null())["npi"]
    assert 0 < partners["npi"].is_in(in_force.to_list()).sum() < 0.05 * len(partners)
    notices = pl.read_csv(demo.inbox / "program/2025H2/pfs_cap_notices.csv")
    assert 0.8 < len(notices) / len(partners) < 1


def test_the_demo_is_made_once_and_nothing_else_is_overwritten(demo: SynthReport, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in demo.inbox.rglob("*")}
    assert demo_state(demo.inbox, seed=2025) == demo
    assert before == {path: path.stat().st_mtime_ns for path in demo.inbox.rglob("*")}
    with pytest.raises(HcipError, match="nothing is overwritten"):
        demo_state(demo.inbox, seed=1)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "policy.yaml").write_text("mine")
    with pytest.raises(HcipError, match="nothing is overwritten"):
        generate_state(
            tmp_path / "inbox",
            StateArguments(hospitals=2, discharges_per_year=9, start=Quarter(2024, 4), end=Quarter(2025, 1), seed=1),
        )
    assert (tmp_path / "inbox" / "policy.yaml").read_text() == "mine"


def test_birth_dates_are_plausible(discharges: pl.DataFrame) -> None:
    assert discharges["age"].max() <= 104 and (discharges["birth_date"] <= discharges["admit_date"]).all()
    assert discharges["birth_date"].min() > dt.date(1915, 1, 1)
