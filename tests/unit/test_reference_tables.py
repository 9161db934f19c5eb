"""Reference tables: the shipped ones, those that an inbox replaces, and refused files."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.reference import RATES, TABLES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference.dispositions import load_dispositions
from hcip_pipeline.reference.exclusions import excluded_in_period
from hcip_pipeline.reference.tables import (
    SHIPPED,
    known_hospitals,
    load_reference,
    unknown_reference_files,
    write_lake_reference,
)
from hcip_pipeline.tables.refusals import TableRefusedError


@pytest.fixture(scope="module")
def shipped() -> dict[str, pl.DataFrame]:
    return load_reference(None)


def put(inbox: Path, name: str, text: str | bytes) -> Path:
    path = inbox / "reference" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(inbox: Path) -> TableRefusedError:
    with pytest.raises(TableRefusedError) as caught:
        load_reference(inbox)
    return caught.value


# Shipped tables


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_the_columns_and_types_of_its_contract(shipped: dict[str, pl.DataFrame], name: str) -> None:
    assert dict(shipped[name].schema) == {n: t() if isinstance(t, type) else t for n, t in schema(name).items()}


def schema(name: str) -> dict[str, pl.DataType | type[pl.DataType]]:
    return TABLES[name].schema


def test_tables_without_public_facts_are_empty(shipped: dict[str, pl.DataFrame]) -> None:
    empty = {name for name, frame in shipped.items() if frame.is_empty()}
    assert empty == {"networks", "excluded_individuals", "list_dates", "grouper_bridge"}


def test_apr_drg_codes_that_the_methodology_names(shipped: dict[str, pl.DataFrame]) -> None:
    codes = shipped["apr_drg"].filter(grouper_version="38")
    facts = {row[1]: (row[3], row[4]) for row in codes.iter_rows()}
    assert len(facts) == 316
    assert facts["560"] == ("14", "M")
    assert facts["860"] == ("23", "M")
    assert facts["955"] == facts["956"] == (None, "M")
    assert facts["165"] == ("05", "P")
    assert facts["301"] == ("08", "P")
    assert facts["045"] == ("01", "M")
    assert facts["002"] == (None, "P")
    assert {facts[code][0] for code in ("580", "640")} == {"15"}


def test_every_shipped_grouper_version_has_every_code(shipped: dict[str, pl.DataFrame]) -> None:
    counts = shipped["apr_drg"].group_by("grouper_version").len()
    assert counts.get_column("len").unique().to_list() == [316]
    assert sorted(counts.get_column("grouper_version")) == [str(version) for version in range(33, 43)]


def test_supplies_and_drugs_are_the_methodologys_two_rate_centers(shipped: dict[str, pl.DataFrame]) -> None:
    centers = shipped["rate_centers"]
    assert set(centers.filter(component="supply_drug").get_column("rate_center")) == {"MSS", "CDS"}
    assert centers.filter(rate_center="UNMAPPED").get_column("component").to_list() == ["core"]


@pytest.mark.parametrize(
    ("revenue_code", "rate_center"),
    [
        ("0121", "MSG"), ("0112", "OBS"), ("0203", "PIC"), ("0206", "DEF"), ("0250", "CDS"), ("0264", "MSS"),
        ("0278", "MSS"), ("0360", "OR"), ("0481", "IRC"), ("0483", "EKG"), ("0636", "CDS"), ("0762", "OBV"),
    ],
)  # fmt: skip
def test_the_narrowest_range_maps_a_revenue_code(
    shipped: dict[str, pl.DataFrame], revenue_code: str, rate_center: str
) -> None:
    covering = shipped["revenue_codes"].filter(
        pl.col("revenue_code_from") <= revenue_code, pl.col("revenue_code_to") >= revenue_code
    )
    width = pl.col("revenue_code_to").cast(pl.Int64) - pl.col("revenue_code_from").cast(pl.Int64)
    assert covering.sort(width).get_column("rate_center")[0] == rate_center


def test_totals_and_professional_fees_have_no_rate_center(shipped: dict[str, pl.DataFrame]) -> None:
    for code in ("0001", "0961", "0990"):
        covering = shipped["revenue_codes"].filter(
            pl.col("revenue_code_from") <= code, pl.col("revenue_code_to") >= code
        )
        assert covering.is_empty(), code


def test_specialty_hospitals_are_not_acute_general(shipped: dict[str, pl.DataFrame]) -> None:
    acute = dict(shipped["hospitals"].select("ccn", "acute").iter_rows())
    assert acute["210043"] == acute["210009"] == "Y"
    not_acute = ("21007F", "21010F", "213300", "214000", "210058", "210064")
    assert {acute[ccn] for ccn in not_acute} == {"N"}


def test_shipped_rates_name_their_sources_and_invent_no_year(shipped: dict[str, pl.DataFrame]) -> None:
    assert set(shipped["cost_index"].get_column("calendar_year")) == set(range(2016, 2026))
    assert set(shipped["per_diem"].get_column("year")) == set(range(2020, 2027))
    assert set(shipped["cost_factors"].get_column("rate_year")) == set(range(2018, 2026))
    for name in RATES:
        assert shipped[name].get_column("source").null_count() == 0
    index = shipped["cost_index"].filter(component="total").sort("calendar_year").get_column("index_value")
    assert (index.diff().drop_nulls() > 0).all()
    fees = shipped["per_diem"].pivot("severity", index="year", values="amount")
    rising = (pl.col("1") < pl.col("2")) & (pl.col("2") < pl.col("3"))
    assert fees.filter(rising & (pl.col("3") == pl.col("4"))).height == 7


def test_shipped_factors_are_only_those_of_the_hospitals_in_force(tmp_path: Path) -> None:
    put(tmp_path, "hospitals", "ccn,name,acute,county,system\n210043,Own,Y,,\n089001,Alder,Y,,\n")
    assert set(load_reference(tmp_path)["cost_factors"].get_column("hospital_ccn")) == {"210043"}


def test_dispositions_are_the_valid_ones() -> None:
    codes = set(load_dispositions().get_column("disposition_code"))
    named_by_the_methodology = {
        "20", "07", "02", "05", "43", "66", "82", "85", "88", "94", "50", "51", "30", *map(str, range(81, 96))
    }  # fmt: skip
    assert named_by_the_methodology <= codes
    assert not codes & {"00", "08", "71", "99", "1"}


# Tables from the inbox


def test_a_file_in_the_inbox_replaces_only_the_default_of_its_name(tmp_path: Path) -> None:
    put(tmp_path, "per_diem", "year,severity,amount\n" + "".join(f"2025,{s},{50 + s}.5\n" for s in range(1, 5)))
    tables = load_reference(tmp_path)
    assert tables["per_diem"].drop("source", "published_on").rows() == [
        (2025, str(s), Decimal(f"{50 + s}.50")) for s in range(1, 5)
    ]
    assert tables["hospitals"].height == 56


def test_files_written_by_windows_and_spreadsheets_are_read(tmp_path: Path) -> None:
    text = '\ufeffccn,name,acute,county,system\r\n\r\n"210043"," Bayside, ""North"" ",Y,,\r\n,,,,\r\n'
    put(tmp_path, "hospitals", text)
    assert load_reference(tmp_path)["hospitals"].rows() == [("210043", 'Bayside, "North"', "Y", None, None, None)]
    assert known_hospitals(tmp_path) == ["210043"]


def test_cost_factors_are_read_exactly(tmp_path: Path) -> None:
    header = "hospital_ccn,rate_center,rate_year,markup,cost_to_charge,labor_market,ime,dsh\n"
    put(tmp_path, "cost_factors", header + "210043,ALL,2025,1.12345678,,1,0.1,0\n210043,MSS,2025,,0.8,1.01,0,0\n")
    rows = load_reference(tmp_path)["cost_factors"].drop("source", "published_on").rows()
    assert rows[0][3:] == (Decimal("1.12345678"), None, Decimal(1), Decimal("0.1"), Decimal(0))
    assert rows[1][4] == Decimal("0.8")


def test_grouper_versions_may_be_a_range(tmp_path: Path) -> None:
    header = "grouper_version,apr_drg,label,mdc,type,service_line\n"
    put(tmp_path, "apr_drg", header + "8-10,045,Stroke,01,M,\n36 NY,045,Stroke,01,M,\n")
    assert load_reference(tmp_path)["apr_drg"].get_column("grouper_version").to_list() == ["10", "36 NY", "8", "9"]


def test_rows_in_any_order_give_the_same_table(tmp_path: Path) -> None:
    lines = (SHIPPED / "rate_centers.csv").read_text().splitlines()
    put(tmp_path / "a", "rate_centers", "\n".join(lines))
    put(tmp_path / "b", "rate_centers", "\n".join([lines[0], *reversed(lines[1:])]))
    a, b = (load_reference(tmp_path / side)["rate_centers"] for side in "ab")
    assert a.equals(b)


# Refused files

# ruff: noqa: E501 - each row of the table of breaches stays on one line

HOSPITALS = "ccn,name,acute,county,system\n"
FACTORS = "hospital_ccn,rate_center,rate_year,markup,cost_to_charge,labor_market,ime,dsh\n"
CODES = "revenue_code_from,revenue_code_to,rate_center\n"
DRG = "grouper_version,apr_drg,label,mdc,type,service_line\n"
NETWORKS = "network_id,name,kind,hospital_ccn,topic,start,end,recruitment_goal\n"
EXCLUDED = "npi,source,effective_date,reinstated_date\n"


def test_a_header_without_rows_has_its_own_fix(tmp_path: Path) -> None:
    file = tmp_path / "reference" / "hospitals.csv"
    file.parent.mkdir()
    file.write_text(HOSPITALS)
    with pytest.raises(TableRefusedError) as refused:
        load_reference(tmp_path)
    assert refused.value.fix.startswith("fill in its rows, or remove the file")


@pytest.mark.parametrize(
    ("name", "text", "rule", "row", "column"),
    [
        ("hospitals", "", "FILE-EMPTY", None, ""),
        ("hospitals", HOSPITALS, "FILE-EMPTY", None, ""),
        ("hospitals", "ccn,name,county,system\n210043,A,,\n", "COLUMN-MISSING", 1, "acute"),
        ("hospitals", HOSPITALS + "210043,A,Y,,\n21043,B,Y,,\n", "CELL-FORMAT", 3, "ccn"),
        ("hospitals", HOSPITALS + "2100430,A,Y,,\n", "CELL-TOO-LONG", 2, "ccn"),
        ("hospitals", HOSPITALS + "210043,,Y,,\n", "CELL-MISSING", 2, "name"),
        ("hospitals", HOSPITALS + "210043,A,Y,,\n210044,B,Y,,\n210043,C,Y,,\n", "KEY-REPEATED", 4, "ccn"),
        ("hospitals", HOSPITALS + f"210043,{'A' * 1001},Y,,\n", "CELL-TOO-LONG", 2, "name"),
        ("hospitals", HOSPITALS + "210043,A\x1b[31m,Y,,\n", "CELL-CONTROL-CHARACTER", 2, "name"),
        ("apr_drg", DRG + "38,045,Stroke,01,S,\n", "VALUE-NOT-ALLOWED", 2, "type"),
        ("apr_drg", DRG + "38-40,045,Stroke,01,M,\n39,045,Stroke,01,M,\n", "KEY-REPEATED", 3, "grouper_version, apr_drg"),
        ("apr_drg", DRG + "42-38,045,Stroke,01,M,\n", "RANGE-REVERSED", 2, "grouper_version"),
        ("apr_drg", DRG + "1-999999999,045,Stroke,01,M,\n", "NUMBER-OUT-OF-RANGE", 2, "grouper_version"),
        (
            "rate_centers",
            "rate_center,name,group,component\nUNMAPPED,None,,supply_drug\n",
            "VALUE-NOT-ALLOWED",
            2,
            "component",
        ),
        ("revenue_codes", CODES + "0110,0100,MSG\n", "RANGE-REVERSED", 2, "revenue_code_to"),
        ("revenue_codes", CODES + "0110,0120,XYZ\n", "RATE-CENTER-UNKNOWN", 2, "rate_center"),
        ("revenue_codes", CODES + "0110,0120,MSG\n0300,0310,LAB\n0115,0125,OBS\n", "RANGE-AMBIGUOUS", 4, "revenue_code_from"),
        ("cost_factors", FACTORS + "210043,ALL,2025,,,1,0,0\n", "FACTOR-MISSING", 2, "markup"),
        ("cost_factors", FACTORS + "210043,ALL,2025,0,,1,0,0\n", "NUMBER-OUT-OF-RANGE", 2, "markup"),
        ("cost_factors", FACTORS + "210043,ALL,2025,1.1,,0,0,0\n", "NUMBER-OUT-OF-RANGE", 2, "labor_market"),
        ("cost_factors", FACTORS + "210043,ALL,2025,1.1,,1,-1,0\n", "NUMBER-OUT-OF-RANGE", 2, "ime"),
        ("cost_factors", FACTORS + "210043,ALL,25,1.1,,1,0,0\n", "NUMBER-OUT-OF-RANGE", 2, "rate_year"),
        ("cost_factors", FACTORS + "210043,ALL,2025,\"1,100.00\",,1,0,0\n", "CELL-FORMAT", 2, "markup"),
        ("cost_factors", FACTORS + "210043,ALL,2025,1e0,,1,0,0\n", "CELL-FORMAT", 2, "markup"),
        ("cost_factors", FACTORS + "210043,ALL,2025,1.123456789,,1,0,0\n", "CELL-FORMAT", 2, "markup"),
        ("cost_factors", FACTORS + "210099,ALL,2025,1.1,,1,0,0\n", "CCN-UNKNOWN", 2, "hospital_ccn"),
        ("cost_factors", FACTORS + "210043,NOPE,2025,1.1,,1,0,0\n", "RATE-CENTER-UNKNOWN", 2, "rate_center"),
        ("cost_index", "calendar_year,component,index_value\n2025,core,1\n2025,total,1\n", "YEAR-INCOMPLETE", 2, "calendar_year"),
        ("cost_index", "calendar_year,component,index_value\n2025,core,0\n", "NUMBER-OUT-OF-RANGE", 2, "index_value"),
        ("per_diem", "year,severity,amount\n2025,1,-1\n", "NUMBER-OUT-OF-RANGE", 2, "amount"),
        ("per_diem", "year,severity,amount\n2025,1,1\n", "YEAR-INCOMPLETE", 2, "year"),
        ("networks", NETWORKS + "N,Net,HEN,210043,falls,2020-01-01,2019-01-01,\n", "DATE-ORDER", 2, "end"),
        ("networks", NETWORKS + "N,Net,HEN,999999,falls,2020-01-01,,\n", "CCN-UNKNOWN", 2, "hospital_ccn"),
        ("excluded_individuals", EXCLUDED + "0000000000,OIG,2020-01-01,\n", "NPI-CHECK-DIGIT", 2, "npi"),
        ("excluded_individuals", EXCLUDED + "123456789,OIG,2020-01-01,\n", "CELL-FORMAT", 2, "npi"),
        ("excluded_individuals", EXCLUDED + "1234567893,OIG,2020-02-30,\n", "CELL-FORMAT", 2, "effective_date"),
        ("excluded_individuals", EXCLUDED + "1234567893,OIG,2020-02-01,2020-01-01\n", "DATE-ORDER", 2, "reinstated_date"),
    ],
)  # fmt: skip
def test_a_breach_is_reported_with_file_row_column_and_fix(
    tmp_path: Path, name: str, text: str, rule: str, row: int | None, column: str
) -> None:
    path = put(tmp_path, name, text)
    error = refusal(tmp_path)
    errors = [problem for problem in error.problems if problem.severity == "ERROR"]
    assert [(problem.rule, problem.row, problem.column) for problem in errors] == [(rule, row, column)]
    assert error.file == str(path)
    assert error.row == row
    assert error.fix
    assert str(path) in str(error)


def test_every_breach_is_counted_and_the_listing_is_short(tmp_path: Path) -> None:
    put(tmp_path, "hospitals", HOSPITALS + "".join(f"2100{n:02},A,maybe,,\n" for n in range(60)))
    error = refusal(tmp_path)
    assert error.counts == {"VALUE-NOT-ALLOWED": 60}
    assert len(error.problems) == 5
    assert "60 errors" in error.message
    assert "and 55 more" in error.message


def test_an_unknown_column_is_ignored_and_reported(tmp_path: Path) -> None:
    put(tmp_path, "hospitals", "ccn,name,acute,county,system,beds\n210043,A,Y,,,300\n")
    receipt = write_lake_reference(tmp_path, tmp_path / "lake")
    assert "beds" in json.dumps(receipt)
    assert pl.read_parquet(tmp_path / "lake" / "hospitals.parquet").columns == list(TABLES["hospitals"].names)


def test_files_that_are_not_tables_are_reported(tmp_path: Path) -> None:
    put(tmp_path, "hospital", HOSPITALS)
    assert unknown_reference_files(tmp_path) == ["hospital.csv"]
    assert unknown_reference_files(tmp_path / "nowhere") == []


# The lake


def test_the_lake_has_every_table_and_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    receipts = [write_lake_reference(None, tmp_path / side) for side in "ab"]
    assert receipts[0] == receipts[1]
    for name in TABLES:
        a, b = ((tmp_path / side / f"{name}.parquet").read_bytes() for side in "ab")
        assert a == b
    assert (tmp_path / "a" / "receipt.json").read_bytes() == (tmp_path / "b" / "receipt.json").read_bytes()
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_refused_file_leaves_the_tables_in_force(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put(tmp_path, "hospitals", HOSPITALS + "210043,A,Y,,\n")
    write_lake_reference(tmp_path, lake)
    before = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}
    put(tmp_path, "hospitals", HOSPITALS + "210043,A,?,,\n")
    with pytest.raises(HcipError):
        write_lake_reference(tmp_path, lake)
    assert {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()} == before


def test_a_replaced_table_stays_in_the_history(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for name in ("First", "Second"):
        put(tmp_path, "hospitals", HOSPITALS + f"210043,{name},Y,,\n")
        write_lake_reference(tmp_path, lake)
    kept = sorted(pl.read_parquet(f).get_column("name")[0] for f in (lake / "history").glob("hospitals-*.parquet"))
    assert kept == ["First", "Second"]
    assert pl.read_parquet(lake / "hospitals.parquet").get_column("name").to_list() == ["Second"]


# Exclusion lists


@pytest.mark.parametrize(
    ("effective", "reinstated", "is_excluded"),
    [
        ("2020-01-01", "", True),
        ("2020-01-01", "2025-01-01", False),
        ("2020-01-01", "2025-01-02", True),
        ("2025-06-30", "", True),
        ("2025-10-01", "", True),
        ("2025-10-02", "", False),
    ],
)
def test_an_exclusion_counts_from_the_periods_first_day_to_its_payment(
    tmp_path: Path, effective: str, reinstated: str, is_excluded: bool
) -> None:
    put(tmp_path, "excluded_individuals", EXCLUDED + f"1234567893,OIG,{effective},{reinstated}\n")
    table = load_reference(tmp_path)["excluded_individuals"]
    found = excluded_in_period(table, PerformancePeriod(2025, 1))
    assert found.get_column("npi").to_list() == (["1234567893"] if is_excluded else [])


def test_an_individual_on_several_lists_is_one_row(tmp_path: Path) -> None:
    rows = "1234567893,SAM,2024-01-01,2025-03-01\n1234567893,OIG,2023-01-01,\n"
    put(tmp_path, "excluded_individuals", EXCLUDED + rows)
    found = excluded_in_period(load_reference(tmp_path)["excluded_individuals"], PerformancePeriod(2025, 1))
    assert found.select("npi", "source", "reinstated_date").rows() == [("1234567893", "OIG|SAM", None)]
