"""Synthetic CMS archives, ingested and run through the claims models: exactly the claims made final are final."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf import files_in_force, ingest_month
from hcip_pipeline.periods import Month
from hcip_pipeline.synthetic.cclf import CclfWriter
from tests.claims_models import connect, fill, rows

FIRST, LAST = Month(2024, 1), Month(2025, 6)
NPIS = ["1000000012", "1000000020", "1000000038"]


def discharges(people: int = 250, seed: int = 3) -> pl.DataFrame:
    """Stays of a few people at three hospitals over a year; each person's stays do not overlap."""
    rng = np.random.default_rng(seed)
    person = np.sort(rng.integers(0, people, people * 3))
    n = len(person)
    days = rng.integers(1, 40, n)
    days[rng.random(n) < 0.9] %= 9
    gap = rng.integers(0, 90, n)
    order = np.concatenate(([0], np.cumsum(days + gap)[:-1]))
    first = np.searchsorted(person, person)
    admit = np.datetime64("2023-12-12") + (order - order[first])
    dead = np.append(person[1:] != person[:-1], True) & (rng.random(n) < 0.1)
    dispositions = np.array(["01", "03", "06", "50", "62", "63", "02"])[rng.integers(0, 7, n)]
    return pl.DataFrame(
        {
            "hospital_ccn": np.array(["210801", "210802", "210807"])[rng.integers(0, 3, n)],
            "account_no": np.arange(n).astype(str),
            "patient_id": [f"P{p:05d}" for p in person],
            "birth_date": [str(np.datetime64("1940-01-01") + int(p)) for p in person],
            "sex": np.where(person % 2 == 0, "F", "M"),
            "zip_code": ["21201"] * n,
            "admit_date": admit.astype(str),
            "discharge_date": (admit + days).astype(str),
            "nature_of_admission": np.array(["3", "5"])[rng.integers(0, 2, n)],
            "discharge_disposition": np.where(dead, "20", dispositions),
            "primary_payer": np.where(person % 10 == 0, "05", "01"),
            "attending_npi": np.array(NPIS)[rng.integers(0, 3, n)],
            "operating_npi": np.where(rng.random(n) < 0.3, NPIS[0], ""),
            "principal_diagnosis": ["I50.9"] * n,
            "procedures": np.where(rng.random(n) < 0.5, "0SR90JZ:2024-02-01", ""),
            "total_charges": [f"{cents // 100}.{cents % 100:02d}" for cents in rng.integers(10**5, 10**7, n)],
        }
    ).filter(pl.col("discharge_date") < "2025-01-01")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("state"))
    write(home)
    for month in months():
        for receipt in ingest_month(home, month):
            assert receipt.accepted, receipt
            assert not receipt.warnings
    return home


def write(home: Home) -> None:
    writer = CclfWriter(home.inbox, home.root / "truth", FIRST, LAST, seed=11)
    early = pl.col("discharge_date") < "2024-07-01"
    for part in (early, ~early):
        writer.add(discharges().filter(part))
    assert writer.finish() == len(months()) + 1


def months() -> list[Month]:
    months = [FIRST]
    while months[-1] < LAST:
        months.append(months[-1].next())
    return months


@pytest.fixture(scope="module")
def warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    connection = connect()
    for table in LAYOUTS:
        fill(connection, table, pl.read_parquet(files_in_force(home, table)))
    return connection


def truth(home: Home, name: str) -> pl.DataFrame:
    return pl.read_csv(home.root / "truth" / "cms" / f"{name}.csv", infer_schema=False)


def test_final_claims_are_those_made_final(home, warehouse):
    for status, name in (("FINAL", "final_claims"), ("ORPHAN_CANCELLATION", "orphan_cancellations")):
        found = rows(
            warehouse,
            f"""select part, claim_id, abs(signed_paid_amount) as paid, abs(signed_allowed_amount) as allowed, is_denied
            from int_final_action where status = '{status}' order by part, claim_id""",
        )
        expected = truth(home, name)
        assert expected.height > 0
        assert [tuple(row.values()) for row in found] == [
            (part, claim, Decimal(paid), Decimal(allowed), denied == "true")
            for part, claim, paid, allowed, denied in expected.select(
                "part", "claim_id", "paid_amount", "allowed_amount", "denied"
            ).iter_rows()
        ]


def test_the_history_has_every_kind_of_change(home, warehouse):
    """Chains, repeats in run-out files, changed numbers, denials, orphans: the other tests have data to test."""
    actions = {
        row["status"]: row["n"] for row in rows(warehouse, "select status, count(*) n from int_final_action group by 1")
    }
    assert min(actions.values()) > 0
    assert len(actions) == 4
    assert rows(warehouse, "select count(*) n from stg_part_a_claims where is_run_out")[0]["n"] > 0
    delivered = rows(warehouse, "select count(*) n from stg_part_a_claims")[0]["n"]
    assert rows(warehouse, "select count(*) n from int_part_a_claims")[0]["n"] < delivered
    assert rows(warehouse, "select count(*) n from int_changed_redeliveries")[0]["n"] == 0
    assert rows(warehouse, "select count(*) n from int_final_part_a_claims where is_denied")[0]["n"] > 0


def test_changed_numbers_resolve_to_the_newest(home, warehouse):
    expected = dict(truth(home, "identifiers").iter_rows())
    found = {row["mbi"]: row["current_mbi"] for row in rows(warehouse, "select * from int_current_identifiers")}
    assert found
    assert found == {mbi: expected[mbi] for mbi in found}
    assert {mbi for mbi, current in expected.items() if mbi != current} <= set(found)


def test_stays_have_the_hospitals_own_dates(warehouse):
    """Same hospital and dates in both sources: every delivered, unvoided Medicare discharge is in a stay."""
    stays = pl.DataFrame(
        rows(
            warehouse,
            "select hospital_ccn, admit_date, discharge_date from int_inpatient_stays where facility_type = 'acute'",
        )
    )
    own = (
        discharges()
        .filter(pl.col("primary_payer") == "01")
        .with_columns(pl.col("admit_date", "discharge_date").str.to_date())
    )
    inside = own.join_where(
        stays.with_columns(pl.col("hospital_ccn").alias("ccn"))
        .rename({"admit_date": "a", "discharge_date": "d"})
        .drop("hospital_ccn"),
        pl.col("hospital_ccn") == pl.col("ccn"),
        pl.col("admit_date") >= pl.col("a"),
        pl.col("discharge_date") <= pl.col("d"),
    )
    found = inside["account_no"].n_unique() / own.height
    assert found > 0.95  # the rest were voided
    exact = own.join(stays, on=["hospital_ccn", "admit_date", "discharge_date"], how="semi")
    assert exact.height / own.height > 0.85


def test_care_after_the_stay_continues_beyond_thirty_days(warehouse):
    """Otherwise care within 90 days would equal care within 30."""
    (found,) = rows(
        warehouse,
        """select count(*) filter (where days_after_discharge <= 30) as early,
            count(*) filter (where days_after_discharge > 30) as late
        from int_post_acute_services""",
    )
    assert found["early"] > found["late"] > found["early"] / 20


def test_the_same_state_gives_the_same_bytes(home, tmp_path):
    again = Home(tmp_path)
    write(again)
    for path in home.inbox.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (again.inbox / path.relative_to(home.inbox)).read_bytes()


def test_a_name_that_is_not_ascii_is_preserved(warehouse):
    names = rows(
        warehouse, "select distinct bene_last_name n from lake.cclf8 where bene_last_name similar to '.*[^ -~].*'"
    )
    assert {row["n"] for row in names} == {"Núñez", "Müller", "François"}


def test_beneficiary_months_end_with_death(warehouse):
    late = rows(
        warehouse,
        """select count(*) as n from int_beneficiary_months m join stg_beneficiaries b on m.mbi = b.mbi
        where b.death_date < cast(m.delivery_month || '-01' as date)""",
    )
    assert late == [{"n": 0}]
    assert rows(warehouse, "select count(distinct delivery_month) n from int_beneficiary_months")[0]["n"] == len(
        months()
    )


def test_approved_amounts_agree_with_a_plain_computation(warehouse):
    lines = warehouse.sql("select * from int_final_professional_lines").pl()
    stays = warehouse.sql("select * from int_inpatient_stays").pl()
    patients = stays.select("hospital_ccn", "mbi", year=pl.col("discharge_date").dt.year()).unique()
    counted = lines.filter(~pl.col("is_denied") & (pl.col("claim_type_code") == "71")).with_columns(
        year=pl.col("service_date").dt.year()
    )
    expected = (
        counted.join(patients, on=["mbi", "year"])
        .group_by("hospital_ccn", "npi", "year")
        .agg(pl.col("allowed_amount").sum())
    )
    found = warehouse.sql(
        "select hospital_ccn, npi, calendar_year, pfs_approved_amount from int_pfs_approved_by_claims"
    ).pl()
    assert sorted(map(str, found.rows())) == sorted(map(str, expected.rows()))
    assert found["npi"].n_unique() == 3


def test_a_month_has_its_monthly_and_its_run_out_archive(home):
    assert Path(home.inbox / "cms" / "2025-04").is_dir()
    assert len(list((home.inbox / "cms" / "2025-04").iterdir())) == 2  # monthly and run-out
    assert dt.date(2025, 4, 15) in pl.read_parquet(files_in_force(home, "cclf1", ["2025-04"]))["file_date"].to_list()


def test_covered_people_without_a_stay_are_listed_and_have_no_claims(tmp_path: Path) -> None:
    few, many = Home(tmp_path / "few"), Home(tmp_path / "many")
    named: dict[str, set[str]] = {}
    claimed: dict[str, set[str]] = {}
    for home, beneficiaries in ((few, 0), (many, 2_000)):
        writer = CclfWriter(home.inbox, home.root / "truth", LAST, LAST, seed=11, beneficiaries=beneficiaries)
        writer.add(discharges())
        writer.finish()
        assert all(receipt.accepted and not receipt.warnings for receipt in ingest_month(home, LAST))
        named[home.root.name] = set(pl.read_parquet(files_in_force(home, "cclf8", [str(LAST)]))["bene_mbi_id"])
        claimed[home.root.name] = set(pl.read_parquet(files_in_force(home, "cclf1", [str(LAST)]))["bene_mbi_id"])
    treated = discharges().filter(pl.col("primary_payer") == "01")["patient_id"].n_unique()
    assert 0 < len(named["few"]) <= treated
    assert len(named["many"]) == len(named["few"]) + 2_000 - treated
    assert 0 < len(claimed["many"]) == len(claimed["few"]) <= treated
