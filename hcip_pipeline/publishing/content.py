"""The content of a release besides its build, both for a new release and for one that is reproduced.

Belongs here: the facts. Does not belong here: writing them (``files``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from hcip_pipeline.certainty.assessment import Assessed
from hcip_pipeline.intake.hospital.quality_of_data import Received
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.publishing.derivations import DERIVATIONS
from hcip_pipeline.publishing.renderers import RENDERERS
from hcip_pipeline.release.derived import Derivation
from hcip_pipeline.release.documents import Renderer
from hcip_pipeline.release.notes import Note
from hcip_pipeline.release.rests_on import Named


@dataclass(frozen=True)
class Content:
    """The content of a release besides the tables of its build.

    Attributes:
        policy: the policy it is computed under.
        inputs: every file that the build read, as ``{"file", "sha256", "rows"}``.
        notes: what was missing without stopping the build.
        restatement: what changed since the previous release, by cause (``settlement.restatement``).
        certainty: how certain the payments are, by table; None: only the tables that follow from the build.
        supersedes: sha256 of the previous release's manifest.
        later: releases of later periods that were made without this one.
        received: returns the receipts of a quarter; None: the home's current receipts.
        signed_by: the signer's identity; None: the release is not signed.
        stamped_by: host of the time stamp service that will stamp the manifest; None: it is not stamped.
        derivations: make the tables that are not marts; called in this order after the marts are written.
        renderers: make the documents; called in this order after all tables are written.
        must_verify: release only if ``verification`` reproduces every figure.
    """

    policy: PolicyFile
    inputs: Sequence[dict[str, Any]] = ()
    notes: Sequence[Note] = ()
    restatement: pl.DataFrame | None = None
    certainty: Assessed | None = None
    supersedes: str | None = None
    later: Sequence[Named] = ()
    received: Received | None = None
    signed_by: str | None = None
    stamped_by: str | None = None
    derivations: Mapping[str, Derivation] = field(default_factory=DERIVATIONS.copy)
    renderers: Mapping[str, Renderer] = field(default_factory=RENDERERS.copy)
    must_verify: bool = True
