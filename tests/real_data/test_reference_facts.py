"""Shipped code tables agree with the public lists they are based on; skipped if the lists are not available."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.reference.dispositions import load_dispositions
from hcip_pipeline.reference.tables import load_reference

LISTS = Path(__file__).parents[2].parent / "shared" / "data" / "reference"

pytestmark = pytest.mark.skipif(not LISTS.is_dir(), reason="the public code lists are not next to the checkout")


def public(name: str) -> pl.DataFrame:
    return pl.read_csv(LISTS / f"{name}.csv", infer_schema=False)


def test_apr_drg_codes_types_and_mdcs_are_the_public_ones() -> None:
    ours = load_reference(None)["apr_drg"].filter(grouper_version="38").select("apr_drg", "type", "mdc")
    assert set(ours.iter_rows()) == set(public("apr_drg").select("apr_drg", "type", "mdc").iter_rows())


def test_labels_are_our_own() -> None:
    """The vendor's descriptions must not be shipped; only plain names of diseases may be the same."""
    ours = load_reference(None)["apr_drg"].filter(grouper_version="38").select("apr_drg", "label")
    both = ours.join(public("apr_drg").select("apr_drg", vendors="label"), on="apr_drg")
    same = both.filter(pl.col("label").str.to_uppercase() == pl.col("vendors"))
    assert same.filter(pl.col("label").str.count_matches(" ") > 3).is_empty()
    assert same.height < 30


def test_hospitals_are_the_public_ones() -> None:
    ours = load_reference(None)["hospitals"]
    theirs = public("maryland_hospitals")
    assert set(ours.get_column("ccn")) == set(theirs.get_column("ccn"))
    general = set(theirs.filter(hospital_type="Acute Care Hospitals").get_column("ccn"))
    acute = set(ours.filter(acute="Y").get_column("ccn"))
    assert general - acute == {"210058", "210064"}
    assert acute <= general


def test_dispositions_are_the_assigned_codes() -> None:
    reserved = r"^(RESERVED|DISCONTINUED|UNKNOWN|NO DESCRIPTION)"
    assigned = public("patient_status").filter(~pl.col("display").str.contains(reserved))
    assert set(load_dispositions().get_column("disposition_code")) == set(assigned.get_column("code"))


def test_room_and_ancillary_revenue_codes_have_a_rate_center() -> None:
    codes = public("revenue_codes").select(pl.col("code").cast(pl.Int64))
    ranges = load_reference(None)["revenue_codes"].select(
        pl.col("revenue_code_from").cast(pl.Int64), pl.col("revenue_code_to").cast(pl.Int64)
    )
    mapped = codes.join_where(
        ranges, pl.col("code") >= pl.col("revenue_code_from"), pl.col("code") <= pl.col("revenue_code_to")
    )
    unmapped = set(codes.get_column("code")) - set(mapped.get_column("code"))
    # Hospital charges run from 0100 to 0953; home health, respite and special residences are not an inpatient stay.
    assert {code for code in unmapped if 100 <= code <= 549 or 610 <= code <= 639 or 680 <= code <= 953} == set()
