"""Which earlier releases a release rests on, and whether one of them has been superseded since (methodology §15).

Belongs here: reading that from manifests. Does not belong here: reading figures of earlier releases
(``settlement.earlier_releases``), and settling stale periods again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.manifest import FILE_NAME, manifest_sha256
from hcip_pipeline.release.reading import ReleaseFiles, released_before, released_periods, releases_of

RULE = "RESTS_ON_SUPERSEDED"

_NAMED = re.compile(r"releases/([0-9]{4}H[12])/(r[0-9]+)/" + re.escape(FILE_NAME))


@dataclass(frozen=True)
class Named:
    """A release as another release's manifest names it."""

    period: str
    release: str
    manifest_sha256: str

    def __str__(self) -> str:
        return f"{self.period} {self.release}"

    def as_dict(self) -> dict[str, str]:
        """The entry in a manifest."""
        return asdict(self)


@dataclass(frozen=True)
class Outdated:
    """One reason why a release is stale.

    Attributes:
        release: the stale one, as ``2025H2 r1``.
        period: the earlier period.
        rested_on: the earlier period's release that was read, as ``r1``; None if it had none.
        newest: the earlier period's newest release.
    """

    release: str
    period: str
    rested_on: str | None
    newest: str

    def __str__(self) -> str:
        if self.rested_on is None:
            return f"{self.release} was made before {self.period} had a release; now it has {self.newest}"
        if self.rested_on == self.newest:
            return f"{self.release} rests on a {self.period} {self.newest} that differs from the one in the home now"
        return f"{self.release} rests on {self.period} {self.rested_on}, which {self.newest} superseded"

    @property
    def stale_period(self) -> str:
        """Period of the stale release."""
        return self.release.split()[0]

    @property
    def fix(self) -> str:
        """What to do about it."""
        return f"settle the later periods again: `hcip run {self.period} --onward`"

    def as_dict(self) -> dict[str, str | None]:
        """For JSON."""
        return asdict(self) | {"rule": RULE, "message": str(self), "fix": self.fix}


def named_releases(inputs: Iterable[Mapping[str, Any]]) -> list[Named]:
    """The earlier releases among a release's inputs, oldest period first."""
    found = [(match, item) for item in inputs if (match := _NAMED.fullmatch(str(item["file"])))]
    return sorted((Named(m[1], m[2], str(item["sha256"])) for m, item in found), key=lambda named: named.period)


def outdated(home: Home, release: ReleaseFiles) -> list[Outdated]:
    """Why ``release`` is stale: every earlier period whose newest release is not the one it was made from."""
    read = {named.period: named for named in named_releases(release.manifest.get("inputs", ()))}
    reasons = []
    for period in released_before(home, release.period):
        newest = releases_of(home, period)[-1:]
        named = read.get(str(period))
        if named is None or (named.release, named.manifest_sha256) != (newest[0].name, manifest_sha256(newest[0])):
            name = f"{release.period} r{release.number}"
            reasons.append(Outdated(name, str(period), named.release if named else None, newest[0].name))
    return reasons


def stale_releases(home: Home, after: PerformancePeriod | None = None) -> list[Outdated]:
    """Why newest releases are stale, oldest first; with ``after``, only those made stale by that period."""
    reasons = []
    for period in released_periods(home):
        if after is None or period > after:
            reasons += outdated(home, ReleaseFiles.at(releases_of(home, period)[-1]))
    return [reason for reason in reasons if after is None or reason.period == str(after)]


def resting_on(home: Home, period: PerformancePeriod) -> list[Named]:
    """Newest releases of later periods: each rests on an earlier release of ``period``, or on its absence."""
    later = [(each, releases_of(home, each)[-1]) for each in released_periods(home) if each > period]
    return [Named(str(each), folder.name, manifest_sha256(folder)) for each, folder in later]
