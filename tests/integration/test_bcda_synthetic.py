"""One synthetic state as CCLF and as BCDA v3: the same claims and, except for fields v3 lacks, the same rows."""

from __future__ import annotations

import polars as pl
import pytest

from hcip_pipeline.contracts.cms import LAYOUTS, LINEAGE, TABLES
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.bcda.mapping import mapping
from hcip_pipeline.intake.cclf import files_in_force
from hcip_pipeline.intake.claims.months import ingest_claims
from hcip_pipeline.periods import Month
from hcip_pipeline.synthetic.cclf import CclfWriter, CmsShape
from tests.claims_models import connect, fill, rows
from tests.integration.test_cclf_synthetic import discharges

#: months that include the run-out of a year
FIRST, LAST = Month(2024, 10), Month(2025, 5)
#: columns about the delivery, and run-out, which BCDA does not have
_OF_DELIVERY = {"source_archive", "source_file", "source_row", "is_run_out"}
#: fields that are blank in the synthetic archives and cannot be in a resource
_MORE_IN_BCDA = {("cclf5", "clm_dgns_1_cd"), ("cclf5", "dgns_prcdr_icd_ind")}


def _home(tmp_path_factory: pytest.TempPathFactory, shape: CmsShape) -> Home:
    home = Home(tmp_path_factory.mktemp(shape))
    writer = CclfWriter(home.inbox, home.root / "truth", FIRST, LAST, seed=11, shape=shape)
    # beneficiaries whom CMS lists from the first month on
    stays = discharges(people=150).filter(pl.col("admit_date") >= "2024-10-01")
    writer.add(stays)
    writer.finish()
    month = FIRST
    while month <= LAST:
        for receipt in ingest_claims(home, month):
            assert receipt.accepted, receipt
            assert receipt.shape == ("CCLF" if shape == "cclf" else "BCDA v3")
        month = month.next()
    return home


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Home]:
    return {shape: _home(tmp_path_factory, shape) for shape in ("cclf", "bcda")}


def _rows(home: Home, table: str) -> pl.DataFrame:
    return pl.read_parquet(files_in_force(home, table)).drop(_OF_DELIVERY)


@pytest.mark.parametrize("table", LAYOUTS)
def test_rows_are_the_same_except_for_fields_that_v3_lacks(both, table):
    cclf, bcda = _rows(both["cclf"], table), _rows(both["bcda"], table)
    assert cclf.height > 0
    known = [c.name for c in LINEAGE if c.name not in _OF_DELIVERY]
    known += [f.name for f in LAYOUTS[table].fields if (table, f.name) in mapping()]
    lacking = [name for name in bcda.columns if name not in known]
    assert all(bcda[name].null_count() == bcda.height for name in lacking)
    known = [name for name in known if (table, name) not in _MORE_IN_BCDA]
    cclf, bcda = cclf.select(known), bcda.select(known)
    if table == "cclf8":  # BCDA has no hospice ranges, and a deceased person may have another Patient
        cclf = cclf.unique()
        bcda = bcda.unique().filter(
            pl.col("bene_death_dt").is_null()
            | (pl.col("bene_death_dt").dt.strftime("%Y-%m") >= pl.col("delivery_month"))
        )
    missing, more = (
        cclf.join(bcda, on=known, how="anti", nulls_equal=True),
        bcda.join(cclf, on=known, how="anti", nulls_equal=True),
    )
    assert (missing.height, more.height) == (0, 0), f"{missing.head(3)}\n{more.head(3)}"
    assert cclf.height == bcda.height


def test_the_same_claims_are_final(both):
    found = {}
    for shape, home in both.items():
        warehouse = connect()
        for table in TABLES:
            if files := files_in_force(home, table):
                fill(warehouse, table, pl.read_parquet(files))
        found[shape] = [
            rows(warehouse, f"select * from {model} order by all")
            for model in ("int_final_action", "int_inpatient_episodes")
        ]
    assert found["cclf"] == found["bcda"]
    assert found["cclf"][1]


def test_every_resource_is_fhir(both):
    """Validated by the models of FHIR's own definitions (R4B), for each kind of resource in a month and its run-out."""
    from fhir.resources.R4B.coverage import Coverage
    from fhir.resources.R4B.explanationofbenefit import ExplanationOfBenefit
    from fhir.resources.R4B.patient import Patient

    month = both["bcda"].inbox / "cms" / "2025-04"
    seen = set()
    for model in (Coverage, Patient, ExplanationOfBenefit):
        for file in month.rglob(f"{model.__name__}.ndjson"):
            for line in file.read_text(encoding="utf-8").splitlines()[:150]:
                resource = model.model_validate_json(line)
                seen.add((model.__name__, len(getattr(resource, "supportingInfo", None) or ())))
    assert {name for name, _ in seen} == {"Coverage", "Patient", "ExplanationOfBenefit"}
    assert max(size for _, size in seen) > 4
