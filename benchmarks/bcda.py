"""Time and memory of ingesting BCDA exports, compared with the same claims as CCLF.

    python benchmarks/bcda.py [--gigabytes 2] [--folder DIR]

Writes a month of that size and one of a quarter of it, by repeating the claims of a synthetic state under new ids, and
the claims of the larger one as CCLF too; ingests each in its own process. Prints one JSON object. On a busy machine,
compare processor seconds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.claims.months import ingest_claims
from hcip_pipeline.periods import Month

MONTH = Month(2025, 4)
CLAIMS = "ExplanationOfBenefit.ndjson"
#: first digits of the ids of claims and of drug claims; the number of the repetition replaces the zeros after it
_KINDS = (b"1", b"2")
_PEOPLE = 1_500


def _stays(rng: np.random.Generator) -> pl.DataFrame:
    n = _PEOPLE * 2
    admit = np.datetime64("2025-01-02") + rng.integers(0, 60, n)
    return pl.DataFrame(
        {
            "hospital_ccn": np.array(["210001", "210002", "210009"])[rng.integers(0, 3, n)],
            "account_no": np.arange(n).astype(str),
            "patient_id": [f"P{person:06d}" for person in np.sort(rng.integers(0, _PEOPLE, n))],
            "birth_date": ["1950-02-03"] * n,
            "sex": np.where(rng.random(n) < 0.5, "F", "M"),
            "zip_code": ["21201"] * n,
            "admit_date": admit.astype(str),
            "discharge_date": (admit + rng.integers(1, 9, n)).astype(str),
            "nature_of_admission": ["3"] * n,
            "discharge_disposition": ["01"] * n,
            "primary_payer": ["01"] * n,
            "attending_npi": ["1000000012"] * n,
            "operating_npi": [""] * n,
            "principal_diagnosis": ["I50.9"] * n,
            "procedures": ["0SR90JZ:2025-02-01"] * n,
            "total_charges": ["12345.67"] * n,
        }
    )


def _month(root: Path, shape: str) -> Path:
    """One month of the state in that format; returns the month's folder."""
    from hcip_pipeline.synthetic.cclf import CclfWriter

    writer = CclfWriter(root / "inbox", root / "truth", MONTH, MONTH, 1, shape=shape)  # type: ignore[arg-type]
    writer.add(_stays(np.random.default_rng(1)))
    writer.finish()
    return root / "inbox" / "cms" / str(MONTH)


def _renumbered(content: bytes, before: bytes, repeats: int) -> Iterator[bytes]:
    for number in range(repeats):
        renumbered = content
        for kind in _KINDS:
            renumbered = renumbered.replace(before + kind + b"0000", before + kind + b"%04d" % number)
        yield renumbered


def write_exports(home: Home, base: Path, size: int) -> tuple[int, int]:
    """A month of about ``size`` bytes; returns the bytes written and how often the claims were repeated."""
    folder = home.inbox / "cms" / str(MONTH)
    shutil.copytree(base, folder)
    claims = (base / CLAIMS).read_bytes()
    repeats = max(1, round(size / len(claims)))
    with (folder / CLAIMS).open("wb") as target:
        for content in _renumbered(claims, b'"', repeats):
            target.write(content)
    return sum(path.stat().st_size for path in folder.iterdir()), repeats


def write_archive(home: Home, base: Path, repeats: int) -> int:
    """The same claims as CCLF, unzipped; returns the bytes written."""
    folder = home.inbox / "cms" / str(MONTH)
    folder.mkdir(parents=True)
    (archive,) = base.iterdir()
    records = {}
    with zipfile.ZipFile(archive) as members:
        for name in members.namelist():
            table = name.partition(".ZC")[2][0]
            content = members.read(name)
            if table == "0":
                control, control_name = content.decode(), name
                continue
            times = 1 if table in "89" else repeats
            with (folder / name).open("wb") as target:
                for renumbered in _renumbered(b"\n" + content[:-1], b"\n", times) if content else ():
                    target.write(renumbered[1:] + b"\n")
            records[f"CCLF{table}"] = content.count(b"\n") * times
    lines = [line.split("|") for line in control.splitlines()]
    stated = [[*cells[:2], f"{records[cells[0].strip()]:>11}", *cells[3:]] for cells in lines[1:]]
    (folder / control_name).write_text("\n".join("|".join(cells) for cells in [lines[0], *stated]) + "\n")
    return sum(path.stat().st_size for path in folder.iterdir())


def measured(root: Path) -> dict[str, float]:
    """Seconds, processor seconds and peak memory of ingesting a month in its own process."""
    command = [sys.executable, __file__, "--measure", str(root)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(output)
    return result


def measure(root: Path) -> None:
    cpu, start = time.process_time(), time.perf_counter()
    (receipt,) = ingest_claims(Home(root), MONTH)
    if not receipt.accepted:
        raise SystemExit(receipt.message)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_bytes": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    folder = Path(tempfile.mkdtemp(prefix="bcda-", dir=options.folder))
    results: dict[str, object] = {"date": str(dt.date.today())}
    try:
        bases = {shape: _month(folder / shape, shape) for shape in ("bcda", "cclf")}
        per_megabyte = []
        for share in (0.25, 1.0):
            root = folder / f"{share:.2f}"
            size, repeats = write_exports(Home(root), bases["bcda"], int(options.gigabytes * 10**9 * share))
            work = measured(root)
            shutil.rmtree(root)
            per_megabyte.append(work["cpu_seconds"] / size)
            results[f"{size / 10**6:.0f} MB"] = {
                "seconds": round(work["seconds"], 1),
                "MB_per_second": round(size / 10**6 / work["seconds"], 1),
                "MB_per_cpu_second": round(size / 10**6 / work["cpu_seconds"], 1),
                "peak_memory_MB": round(work["peak_bytes"] / 10**6),
            }
        size = write_archive(Home(folder / "archive"), bases["cclf"], repeats)
        archive = measured(folder / "archive")
        results["the_same_claims_as_CCLF"] = {
            "MB": round(size / 10**6),
            "MB_per_cpu_second": round(size / 10**6 / archive["cpu_seconds"], 1),
            "peak_memory_MB": round(archive["peak_bytes"] / 10**6),
        }
        results["cpu_seconds_over_CCLF"] = round(work["cpu_seconds"] / archive["cpu_seconds"], 1)
        results["cpu_seconds_per_MB_whole_over_quarter"] = round(per_megabyte[1] / per_megabyte[0], 2)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
