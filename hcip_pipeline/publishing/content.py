"""What goes into a release with its build, the first time and when it is made again.

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
    """What a release is made of besides the tables of its build.

    Attributes:
        policy: the policy it is computed under.
        inputs: every file the build came from, as ``{"file", "sha256", "rows"}``.
        notes: what was missing without stopping the build.
        restatement: what changed since the release before, by cause (``settlement.restatement``).
        certainty: how sure the payments are, by table; None: what follows from the build alone.
        supersedes: sha256 of the manifest of the release before.
        later: releases of later periods that were made without this one.
        received: gives the receipts of a quarter; None: those that the home has now.
        signed_by: the signer's identity; None: the release is not signed.
        stamped_by: host of the service that stamps the manifest afterwards; None: none does.
        derivations: who makes the tables that are not marts, called in this order once those are written.
        renderers: who makes the documents, called in this order once all tables are written.
        must_verify: release nothing whose figures are not found again by ``verification``.
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
