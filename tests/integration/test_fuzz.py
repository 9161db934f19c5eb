"""Corrupted files of every kind: each is accepted or refused with a message, never "a bug in the program itself".

``make fuzz`` tries thousands. A failure names its kind and seed; repeat it with
``HCIP_FUZZ_SEED=<seed> HCIP_FUZZ_CASES=1``.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import polars as pl
import pytest

from hcip_pipeline.alerting.settings import load_settings
from hcip_pipeline.contracts import program, reference
from hcip_pipeline.contracts.survey import form_name
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf import check_deliveries
from hcip_pipeline.intake.hospital.preflight import Preflight
from hcip_pipeline.intake.program.ingest import read_program_file
from hcip_pipeline.intake.protocol.ingest import load_protocols
from hcip_pipeline.intake.sparcs.reading import read_sparcs
from hcip_pipeline.intake.survey.forms import judge_survey
from hcip_pipeline.operations.retention import read_data_use
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import SHIPPED, load_reference
from hcip_pipeline.release.verification import UnreadableReleaseError, verify_release
from hcip_pipeline.simulation.scenarios import read_scenarios
from hcip_pipeline.synthetic.cclf_records import archive_name, write_archive
from tests import fuzzing, fuzzing_archives, sparcs_files
from tests.intake_submissions import CCN, Draft, write_table
from tests.intake_submissions import reference as reference_tables
from tests.integration.test_cclf_intake import files as claim_files
from tests.released_state import PERIOD, A, released, unreleased
from tests.unit.test_patterns import table_of

__all__ = ["released", "unreleased"]

pytestmark = pytest.mark.slow

#: Cases of all kinds together, and the share of each kind in them.
CASES = int(os.environ.get("HCIP_FUZZ_CASES", "280"))
SHARE = {
    "hospital csv": 30, "hospital gz": 20, "hospital parquet": 20, "hospital zip": 30, "hospital xlsx": 30,
    "hospital encodings": 20, "control totals": 20, "claims": 30, "claim shapes": 20, "program": 45, "program zip": 25,
    "program xlsx": 25, "program encodings": 20, "reference": 40, "protocol": 40, "policy": 25, "settings": 15,
    "data use": 10, "scenarios": 10, "survey": 20, "survey shapes": 15, "sparcs": 15, "release": 20,
}  # fmt: skip
SEED = int(os.environ.get("HCIP_FUZZ_SEED", "1"))
#: Limit on processor seconds for a corrupted file of this size.
MOST_SECONDS = 20
HALF = PerformancePeriod.parse("2025H1")


def cases(kind: str) -> int:
    return max(1, CASES * SHARE[kind] // sum(SHARE.values()))


@dataclass(frozen=True)
class CorruptedFile:
    """A valid file, how it is corrupted, and how the corrupted file in its place is read."""

    path: Path
    corrupt: fuzzing.Corruption
    read: Callable[[], object]


def attack(kind: str, of: Callable[[Random], CorruptedFile]) -> None:
    """Corrupt and read a file; any exception must be a reported error."""
    faults: list[str] = []
    for number in range(cases(kind)):
        seed = SEED + number
        rng = Random(f"{kind} {seed}")
        chosen = of(rng)
        sound = chosen.path.read_bytes()
        try:
            chosen.path.write_bytes(chosen.corrupt(rng, sound))
            before = time.process_time()
            try:
                chosen.read()
            except HcipError as error:
                assert error.message and error.exit_code in (1, 2)
            except UnreadableReleaseError as error:
                assert error.message and error.fix
            except Exception:
                faults.append(
                    f"{kind}, seed {seed}, {chosen.path.name}: a fault of the program\n{traceback.format_exc()}"
                )
            assert time.process_time() - before < MOST_SECONDS, f"{kind}, seed {seed} takes too long"
        finally:
            chosen.path.write_bytes(sound)
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:20])


@pytest.fixture(scope="module")
def preflight() -> Iterator[Preflight]:
    with Preflight(reference_tables()) as preflight:
        yield preflight


#: kind of a table's file -> its suffix, and how it is corrupted
SHAPES: dict[str, tuple[str, fuzzing.Corruption]] = {
    "csv": (".csv", fuzzing.table),
    "gz": (".csv.gz", fuzzing.packed),
    "parquet": (".parquet", fuzzing.text),
    "zip": (".csv.zip", fuzzing_archives.zipped_table),
    "xlsx": (".xlsx", fuzzing_archives.workbook),
    "encodings": (".csv", fuzzing_archives.encoded),
}


@pytest.mark.parametrize("kind", [f"hospital {shape}" for shape in SHAPES])
def test_hospital_files(kind: str, preflight: Preflight, tmp_path: Path) -> None:
    ending, corrupt = SHAPES[kind.removeprefix("hospital ")]
    folder = Draft(count=12).write(tmp_path / "inbox" / "hospital" / "2025Q1" / CCN, ending)

    def of(rng: Random) -> CorruptedFile:
        path = folder / f"{rng.choice(['discharges', 'charges'])}{ending}"
        return CorruptedFile(path, corrupt, lambda: preflight.check(folder).summary())

    attack(kind, of)


def test_control_totals(preflight: Preflight, tmp_path: Path) -> None:
    totals = {"discharges": 12, "charge_lines": 36, "total_charges": "7200.00", "prepared_at": "2025-05-01"}
    folder = Draft(count=12).write(tmp_path / "2025Q1" / CCN, control=totals)
    path = folder / "control_totals.json"
    attack("control totals", lambda _: CorruptedFile(path, fuzzing.mapping, lambda: preflight.check(folder).html()))


@pytest.mark.parametrize("kind", ["claims", "claim shapes"])
def test_claim_files(kind: str, tmp_path: Path) -> None:
    path = write_archive(tmp_path, archive_name("A1234.ACO", dt.date(2025, 4, 15)), claim_files())
    corrupt = {"claims": fuzzing.archive, "claim shapes": fuzzing_archives.zipped_table}[kind]
    attack(kind, lambda _: CorruptedFile(path, corrupt, lambda: check_deliveries(tmp_path)))


def test_program_files(tmp_path: Path) -> None:
    folder = tmp_path
    for table in program.TABLES.values():
        (folder / f"{table.name}.csv").write_bytes(table_of(table))

    def of(rng: Random) -> CorruptedFile:
        path = folder / f"{rng.choice(list(program.TABLES))}.csv"
        return CorruptedFile(path, fuzzing.table, lambda: read_program_file(path, HALF)[0])

    attack("program", of)


@pytest.mark.parametrize("shape", ["zip", "xlsx", "encodings"])
def test_program_files_of_other_shapes(shape: str, tmp_path: Path) -> None:
    ending, corrupt = SHAPES[shape]
    path = tmp_path / f"care_partners{ending}"
    content = table_of(program.TABLES["care_partners"])
    write_table(pl.read_csv(content, infer_schema=False), path)
    assert read_program_file(path, HALF)[0].rows == 1
    attack(f"program {shape}", lambda _: CorruptedFile(path, corrupt, lambda: read_program_file(path, HALF)[0]))


def test_reference_files(tmp_path: Path) -> None:
    folder = tmp_path / "reference"
    folder.mkdir()
    for table in reference.TABLES.values():
        shipped = SHIPPED / f"{table.name}.csv"
        sound = b"".join(shipped.read_bytes().splitlines(keepends=True)[:400]) if shipped.exists() else table_of(table)
        (folder / f"{table.name}.csv").write_bytes(sound)

    def of(rng: Random) -> CorruptedFile:
        path = folder / f"{rng.choice(list(reference.TABLES))}.csv"
        return CorruptedFile(path, fuzzing.table, lambda: load_reference(tmp_path))

    attack("reference", of)


def test_protocols(tmp_path: Path) -> None:
    example = (Path(__file__).parents[2] / "docs" / "protocol_example.yaml").read_bytes()
    path = tmp_path / "protocols" / "210043" / "2025.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(example)
    policy = Policy(version="1", base_year=2023)
    attack("protocol", lambda _: CorruptedFile(path, fuzzing.yaml, lambda: load_protocols(tmp_path, HALF, policy)))


@functools.cache
def _policy() -> Policy:
    return Policy(version="1", base_year=2023)


SMALL_YAML: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "policy": (
        "policy.yaml",
        "version: '1'\nbase_year: 2023\nincentive_rate: 0.10\nimprovement_share: 2/3\nmpi_floor: 100\n"
        "mpi_ceiling: 3000\nexclusions: [DIED, NEWBORN]\nretention_years: 10\nperformance_exponent: 1.5\n",
        load_policy,
    ),
    "settings": (
        "settings.yaml",
        "automation: true\nsettle_seconds: 60\nalerts:\n  - webhook: https://example.org/x\n    when: [failure]\n",
        lambda path: load_settings(Home(path.parent)),
    ),
    "data use": (
        "inbox/data_use.yaml",
        "agreements:\n  - id: DUA-1\n    covers: [cases]\n    ends: 2030-01-01\n    periods: [2025H1]\n",
        lambda path: read_data_use(Home(path.parents[1])),
    ),
    "scenarios": (
        "scenarios.yaml",
        "half: {improvement_share: 1/2}\nno floor:\n  mpi_floor: null\n  keep_elections: false\n",
        lambda path: read_scenarios(path, _policy()),
    ),
}


@pytest.mark.parametrize("kind", SMALL_YAML)
def test_settings_and_small_yaml_files(kind: str, tmp_path: Path) -> None:
    name, sound, read = SMALL_YAML[kind]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(sound)
    attack(kind, lambda _: CorruptedFile(path, fuzzing.yaml, lambda: read(path)))


@pytest.mark.parametrize("kind", ["survey", "survey shapes"])
def test_surveys(kind: str, released: Path, tmp_path: Path) -> None:
    corrupt = {"survey": fuzzing.archive, "survey shapes": fuzzing_archives.workbook}[kind]
    path = tmp_path / form_name(A, PERIOD)
    shutil.copy(released / "reports" / A / path.name, path)
    attack(kind, lambda _: CorruptedFile(path, corrupt, lambda: judge_survey(path, PERIOD, {A})))


def test_sparcs(tmp_path: Path) -> None:
    rows = [sparcs_files.row(Total_Charges=str(1000 + n)) for n in range(8)]
    plain = sparcs_files.write(tmp_path / "sparcs.csv", rows)
    zipped = sparcs_files.write(tmp_path / "sparcs.csv.gz", rows)

    def of(rng: Random) -> CorruptedFile:
        path = rng.choice([plain, zipped])
        corrupt = fuzzing.packed if path is zipped else fuzzing.table
        return CorruptedFile(path, corrupt, lambda: read_sparcs(path, 2016, tmp_path / "out"))

    attack("sparcs", of)


def test_releases(released: Path, tmp_path: Path) -> None:
    shutil.copytree(released.parents[1], tmp_path / "releases")
    folder = tmp_path / "releases" / str(PERIOD) / "r1"
    others = sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".parquet", ".yaml", ".json"))

    def of(rng: Random) -> CorruptedFile:
        path = folder / "datapackage.json" if rng.random() < 0.6 else rng.choice(others)
        corruptions = {".csv": fuzzing.table, ".json": fuzzing.mapping, ".yaml": fuzzing.yaml}
        return CorruptedFile(path, corruptions.get(path.suffix, fuzzing.text), lambda: verify_release(folder).text())

    attack("release", of)


def test_a_sound_file_of_each_kind_is_accepted(preflight: Preflight, tmp_path: Path) -> None:
    """The files are valid before they are corrupted: otherwise only their first refusal would be tested."""
    assert preflight.check(Draft(count=120).write(tmp_path / "2025Q1" / CCN)).accepted
    claims = tmp_path / "claims"
    claims.mkdir()
    write_archive(claims, archive_name("A1234.ACO", dt.date(2025, 4, 15)), claim_files())
    assert all(receipt.accepted for receipt in check_deliveries(claims))
    assert isinstance(load_reference(None)["hospitals"], pl.DataFrame)
