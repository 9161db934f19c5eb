"""Disturb a home: kills at random points under load, a clock that is set back, two machines at once.

    .venv/bin/python benchmarks/endurance.py kills --points 200 --burners 2 --work FOLDER   # run again to continue
    .venv/bin/python benchmarks/endurance.py clock          # needs faketime
    .venv/bin/python benchmarks/endurance.py machines       # needs root, unshare and a C compiler

Each exits with 1 if a release's bytes differ from those of an undisturbed home, or if anything is lost. The product is
not patched: processes are killed, `faketime` moves the clock, and the second machine is a mount namespace with its own
boot id and a C library whose file locks no other process sees.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PERIOD = "2025H1"
#: kills of one home before it is allowed to finish
_KILLS_PER_HOME = 8
_HCIP = (sys.executable, "-c", "from hcip_pipeline.cli import main; main()")
_NO_LOCKS = "int flock(int file, int operation) { (void)file; (void)operation; return 0; }\n"


def hcip(home: Path, *arguments: str, under: Sequence[str] = (), **options: object) -> subprocess.Popen[str]:
    of_home = ("--home", str(home)) if arguments[0] in ("run", "ingest") else ()
    command = [*under, *_HCIP, *arguments, *of_home]
    with (home / "output.txt").open("a", encoding="utf-8") as said:
        return subprocess.Popen(command, stdout=said, stderr=said, text=True, start_new_session=True, **options)  # type: ignore[call-overload,no-any-return]


def state(folder: Path) -> Path:
    """A home with the inbox of a small state."""
    folder.mkdir(parents=True)
    scale = ("--hospitals", "2", "--discharges-per-year", "300", "--start", "2024Q1", "--end", "2025Q2", "--seed", "5")
    code = hcip(folder, "synth", str(folder / "inbox"), *scale).wait()
    assert code == 0, (folder / "output.txt").read_text()
    return folder


def fresh(of: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(of / "inbox", folder / "inbox")
    return folder


def digest(home: Path) -> str:
    """SHA-256 over the names and bytes of all files of all releases."""
    found = hashlib.sha256()
    for path in sorted((home / "releases").rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            found.update(str(path.relative_to(home)).encode() + path.read_bytes())
    return found.hexdigest()


def settled(home: Path, under: Sequence[str] = ()) -> float:
    """Settle without interruption; returns the seconds it took."""
    start = time.monotonic()
    code = hcip(home, "run", PERIOD, under=under).wait()
    assert code == 0, f"a run ended with {code}:\n{(home / 'output.txt').read_text()[-3000:]}"
    return time.monotonic() - start


@contextlib.contextmanager
def burning(number: int) -> Iterator[None]:
    """Processes that keep every core busy."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def kills(work: Path, points: int, burners: int, minutes: float, seed: int) -> None:
    """Kill runs at random points, home after home; ``progress.json`` records progress, so the next call continues."""
    stop = time.monotonic() + 60 * minutes
    record = work / "progress.json"
    progress = (
        json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {"seed": seed, "done": 0, "homes": 0}
    )
    assert progress["seed"] == seed, f"{record} has the seed {progress['seed']}"
    with burning(burners):
        if "expected" not in progress:
            for folder in ("state", "plain"):
                shutil.rmtree(work / folder, ignore_errors=True)
            plain = fresh(state(work / "state"), work / "plain")
            progress |= {"seconds": settled(plain), "expected": digest(plain)}
            record.write_text(json.dumps(progress), encoding="utf-8")
        print(f"seed {seed}, an undisturbed run under load: {progress['seconds']:.0f} seconds", flush=True)
        while progress["done"] < points and time.monotonic() < stop:
            progress["done"] += _kill_one_home(work, progress, points - progress["done"], stop)
            progress["homes"] += 1
            record.write_text(json.dumps(progress), encoding="utf-8")
            print(f"{progress['done']} kills, {progress['homes']} homes recovered to the same bytes", flush=True)


def _kill_one_home(work: Path, progress: Mapping[str, Any], most: int, stop: float) -> int:
    """Kill runs of one home, then let one finish; returns the number of kills. Seed and home determine their times."""
    chance = random.Random(f"{progress['seed']}/{progress['homes']}")
    tried = fresh(work / "state", work / "tried")
    done = 0
    for _ in range(min(_KILLS_PER_HOME, most)):
        run = hcip(tried, "run", PERIOD)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(chance.uniform(0.02, 1.0) * progress["seconds"])
        ended = run.poll()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        assert ended in (None, 0), (tried / "output.txt").read_text()[-3000:]
        done += 1
        for folder in (tried / "releases").glob("*/r*"):
            assert not folder.is_dir() or (folder / "datapackage.json").is_file(), f"{folder} is incomplete"
        if time.monotonic() > stop:
            break
    settled(tried)
    assert digest(tried) == progress["expected"], f"after kill {progress['done'] + done} the release's bytes differ"
    assert hcip(tried, "verify", str(tried / "releases" / PERIOD / "r1")).wait() == 0
    return done


def clock(work: Path) -> None:
    """Intake, settlement, a repetition and a restatement, each on an earlier day than the previous one."""
    home = state(work / "state")
    plain, tried = fresh(home, work / "plain"), fresh(home, work / "tried")
    late = next(iter(sorted((home / "inbox" / "hospital" / "2025Q1").iterdir())))
    days = iter(("-0d", "-3d", "-40d", "-400d"))
    for place, is_moved in ((plain, False), (tried, True)):
        for number in range(4):
            under = ("faketime", "-f", next(days)) if is_moved else ()
            if number == 0:
                assert hcip(place, "ingest", under=under).wait() == 0
                continue
            if number == 3:  # a resubmission, dated before everything else in the home
                shutil.copytree(late, place / "inbox" / "hospital" / "2025Q1" / f"{late.name}.r2")
            settled(place, under)
    assert digest(tried) == digest(plain), "setting the clock back changes the bytes of a release"
    newest = sorted((tried / "releases" / PERIOD).glob("r[0-9]"))[-1]
    assert hcip(tried, "verify", str(newest)).wait() == 0
    print(f"with the clock set back 3, 40 and 400 days between steps: the same bytes, {newest.name} verifies")


def machines(work: Path) -> None:
    """Two machines settle one home at once; neither sees the other's locks, but both see its claims."""
    home = state(work / "state")
    plain, tried = fresh(home, work / "plain"), fresh(home, work / "tried")
    settled(plain)
    (work / "no_locks.c").write_text(_NO_LOCKS)
    shim = work / "no_locks.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(shim), str(work / "no_locks.c")], check=True)
    (work / "boot_id").write_text("11111111-2222-3333-4444-555555555555\n")
    other = f'mount --bind {work / "boot_id"} /proc/sys/kernel/random/boot_id && exec "$@"'
    environment = os.environ | {"LD_PRELOAD": str(shim)}
    here = hcip(tried, "run", PERIOD, env=environment)
    time.sleep(1)
    there = hcip(tried, "run", PERIOD, under=("unshare", "--mount", "sh", "-c", other, "sh"), env=environment)
    codes = sorted((here.wait(), there.wait()))
    said = (tried / "output.txt").read_text()
    assert codes == [0, 1] and "is in use by another run" in said, (codes, said[-3000:])
    assert digest(tried) == digest(plain), "two machines made a different release than one"
    assert hcip(tried, "verify", str(tried / "releases" / PERIOD / "r1")).wait() == 0
    print("one machine settled, the other was refused by the claim of the first; the same bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kills", "clock", "machines"])
    parser.add_argument("--points", type=int, default=int(os.environ.get("HCIP_KILLS", "200")))
    parser.add_argument("--burners", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=24 * 60, help="stop after this many minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, help="keep everything here; kills continue from the recorded progress")
    asked = parser.parse_args()
    if asked.work:
        asked.work.mkdir(parents=True, exist_ok=True)
    with contextlib.nullcontext(asked.work) if asked.work else tempfile.TemporaryDirectory() as folder:
        if asked.what == "kills":
            kills(Path(folder), asked.points, asked.burners, asked.minutes, asked.seed)
        else:
            {"clock": clock, "machines": machines}[asked.what](Path(folder))


if __name__ == "__main__":
    main()
