"""Quarters and months taken in by several processes: they read nothing of each other.

Belongs here: who takes what in. Does not belong here: a run (``runs``), which partitions are wanted.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from hcip_pipeline.assets.jobs import cms_job, hospital_job
from hcip_pipeline.assets.partitions import Key
from hcip_pipeline.assets.runs import Runs, runs_on
from hcip_pipeline.background import BackgroundCall
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.periods import Month, Quarter

Outcome = tuple[Key, HcipError | None]

_JOBS: dict[type[Key], str] = {Quarter: hospital_job.name, Month: cms_job.name}

#: with fewer partitions than this for each, one process more would start for longer than it helps
_WORTH_A_PROCESS = 4
#: partitions that a small state's process could have taken in while it started
_START = 2


def take_in(
    runs: Runs, keys: Sequence[Key], processes: int | None = None, meanwhile: Callable[[], object] | None = None
) -> Iterator[Outcome]:
    """Take quarters and months in, this process's own share one after another, the others' beside it.

    Args:
        processes: how many, this one among them; by default one a processor where that pays. No result depends on it.
        meanwhile: what this process can do while it would only wait for the others.

    Returns:
        Each with what went wrong; this process's as they are done, then the others'.
    """
    shares = _shares(keys, processes, 0 if meanwhile else _START)
    with ExitStack() as running:
        others = [
            running.enter_context(BackgroundCall(_share_of_intake, runs.home, share, runs.policy_path, runs.tags))
            for share in shares[1:]
        ]
        yield from _one_by_one(runs, shares[0])
        if others and meanwhile:
            meanwhile()
        for other in others:
            yield from other.result()


def _shares(keys: Sequence[Key], processes: int | None, ahead: int) -> list[list[Key]]:
    """The partitions of each process, in order; the first share is this one's, larger by what it is ahead."""
    workers = min(processes or os.cpu_count() or 1, len(keys) if processes else len(keys) // _WORTH_A_PROCESS)
    if workers < 2:
        return [list(keys)]
    each = max(1, (len(keys) - ahead) // workers)
    own = len(keys) - each * (workers - 1)
    return [list(keys[:own])] + [list(keys[at : at + each]) for at in range(own, len(keys), each)]


def _share_of_intake(
    home: Home, keys: Sequence[Key], policy_path: Path | None, tags: Mapping[str, str]
) -> list[Outcome]:
    with runs_on(home, policy_path, tags=tags) as runs:
        return list(_one_by_one(runs, keys))


def _one_by_one(runs: Runs, keys: Sequence[Key]) -> Iterator[Outcome]:
    for key in keys:
        try:
            runs.run(_JOBS[type(key)], key)
        except HcipError as error:
            yield key, error
        else:
            yield key, None
