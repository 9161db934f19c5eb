"""Names of archives and files, of every model."""

import datetime as dt

import pytest

from hcip_pipeline.intake.cclf.names import CclfName


@pytest.mark.parametrize(
    ("name", "organization", "file", "run_out", "test"),
    [
        ("P.A1234.ACO.ZCY25.D250415.T0112233", "A1234.ACO", "", False, False),
        ("P.A1234.ACO.ZCR24.D250415.T0112233", "A1234.ACO", "", True, False),
        ("P.A1234.ACO.ZC1Y25.D250415.T0112233", "A1234.ACO", "1", False, False),
        ("P.A1234.ACO.ZCAY25.D250415.T0112233", "A1234.ACO", "A", False, False),
        ("P.A1234.ACO.ZCBR25.D250415.T0112233", "A1234.ACO", "B", True, False),
        ("T.BCD.A0001.ZCY18.D181120.T1000000", "BCD.A0001", "", False, True),
        ("P.D0123.ZC0Y25.D250415.T0112233", "D0123", "0", False, False),
        ("P.K0123.ACO.ZC9Y25.D250415.T0112233.zip", "K0123.ACO", "9", False, False),
        ("P.C0001.ZCY25.D250415.T0112233.ZIP", "C0001", "", False, False),
    ],
)
def test_names_of_all_models_are_read(name, organization, file, run_out, test):
    read = CclfName.parse(name)
    assert read is not None
    assert (read.organization, read.file, read.is_run_out, read.is_test) == (organization, file, run_out, test)
    assert str(read) == name.removesuffix(".zip").removesuffix(".ZIP")


@pytest.mark.parametrize(
    "name",
    [
        "readme.txt",
        "P.A1234.ACO.ZCY25.D251315.T0112233",  # no thirteenth month
        "P.A1234.ACO.ZCY25.D250415.T011223",
        "P.A1234.ACO.ZCXY25.D250415.T0112233",
        "../P.A1234.ACO.ZCY25.D250415.T0112233",
        "T.A0001.ACO.ZC0Y18.D181120.T10000199",
    ],
)
def test_other_names_are_not_cclf_names(name):
    assert CclfName.parse(name) is None


def test_the_date_of_the_name_is_the_date_of_the_file():
    name = CclfName.parse("P.A1234.ACO.ZCR24.D250131.T0112233")
    assert name is not None
    assert (name.file_date, name.month, name.performance_year) == (dt.date(2025, 1, 31), "2025-01", 2024)
