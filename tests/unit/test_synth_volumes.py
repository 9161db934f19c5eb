"""Volumes and physicians of a synthetic state, at the smallest possible size and at a real state's."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Quarter
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.synthetic.case_mix import CaseMix, load_case_mix
from hcip_pipeline.synthetic.hospitals import choose_hospitals, invented_hospitals, local_mix, quarterly_volumes
from hcip_pipeline.synthetic.physicians import employ_physicians
from hcip_pipeline.synthetic.streams import draw_grouped

QUARTERS = [Quarter(year, number) for year in (2023, 2024, 2025) for number in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def reference() -> dict[str, pl.DataFrame]:
    return load_reference(None)


@pytest.fixture(scope="module")
def mix(reference: dict[str, pl.DataFrame]) -> CaseMix:
    return load_case_mix(reference)


@pytest.mark.parametrize("hospitals", [1, 2, 41, 46])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_volumes_add_up_and_never_change_by_a_fifth(mix: CaseMix, hospitals: int, seed: int) -> None:
    with pytest.raises(UsageError) as caught:
        choose_hospitals(mix, hospitals, 1, seed)
    smallest = int("".join(sign for sign in caught.value.fix if sign.isdigit()))
    for discharges in (smallest, 700_000):
        places = choose_hospitals(mix, hospitals, discharges, seed)
        volumes = quarterly_volumes(places, discharges, QUARTERS, seed)
        assert volumes.reshape(3, 4, hospitals).sum(axis=(1, 2)).tolist() == [discharges] * 3
        change = np.abs(volumes[4:] - volumes[:-4]) / volumes[:-4]
        assert change.max() <= 0.2


def test_every_stay_finds_a_physician_of_its_service_at_its_hospital_in_every_year(
    mix: CaseMix,
) -> None:
    places = choose_hospitals(mix, 12, 20_000, 4)
    local = local_mix(places, mix, 4)
    physicians = employ_physicians(places, mix, local, 20_000, [2023, 2024, 2025], 4)
    hospital, drg = np.nonzero(local)
    assert places.offers[hospital, mix.service[drg]].all()
    group = hospital * len(mix.services) + mix.service[drg]
    rng = np.random.default_rng(1)
    for year in (2023, 2024, 2025):
        at, keys = physicians.roster(year)
        drawn = draw_grouped(rng.random(len(group)), group, keys)
        assert np.array_equal(physicians.service[at[drawn]], mix.service[drg])
        assert np.array_equal(physicians.at_hospital[drawn], hospital)
        active = physicians.active[at[drawn], year - 2023]
        assert active.mean() > 0.95
    assert len(set(physicians.npi)) == len(physicians)
    away = physicians.at_hospital != physicians.home[physicians.at_physician]
    assert 0.03 < away.sum() / len(physicians) < 0.25
    assert not physicians.active.all()


def test_no_invented_hospital_is_a_real_one(reference: dict[str, pl.DataFrame]) -> None:
    """Number, name, county and system are no real hospital's; the number has a valid state and facility type."""
    real, invented = reference["hospitals"], invented_hospitals()
    for column in ("ccn", "name", "county", "system"):
        assert not set(real[column].drop_nulls()) & set(invented[column].drop_nulls()), column
        assert invented[column].drop_nulls().len() == real[column].drop_nulls().len(), column
    assert invented["ccn"].is_unique().all() and invented["ccn"].is_sorted()
    assert set(invented["ccn"].str.slice(0, 2)) == {"21"}
    assert invented["name"].is_unique().all() and invented["name"].str.ends_with("(SYNTHETIC)").all()
    in_order = real.sort("ccn")["ccn"], invented["ccn"]
    types = [["F" if ccn[5] == "F" else ccn[2:4] if ccn[2] == "3" else ccn[2] for ccn in each] for each in in_order]
    assert types[0] == types[1]
    assert "210801" in invented["ccn"] and not set(real["ccn"]) & {f"210{at}" for at in range(801, 880)}
