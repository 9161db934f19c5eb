"""Reading a file of scenarios: their names and their changes to the policy.

Belongs here: the file's format and the parameters it may change. Does not belong here: computing a scenario
(``workbench``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.yaml_files import load_yaml, validate_yaml
from hcip_pipeline.policy.model import Elections, Policy

#: the unchanged release; always computed first, and always equal to the release
AS_IS = "as is"

#: parameters that need other files in the lake, and so a separate run, or that change no payment
_FIXED = (
    "version",
    "base_year",
    "baseline_window",
    "cost_method",
    "require_complete",
    "small_cell_threshold",
    "retention_years",
    "min_reliability",
    "certainty_replicates",
)
PARAMETERS = tuple(name for name in Policy.model_fields if name not in _FIXED)

#: key of a scenario: hospitals that elected another value keep it; without it, the scenario's value applies to all
_KEEP = "keep_elections"


@dataclass(frozen=True)
class Scenario:
    """A policy to try.

    Args:
        changes: key of methodology §13 -> value, as written in the file.
        keeps_elections: whether hospitals keep their elections even if the scenario has another value.
    """

    name: str
    policy: Policy
    changes: Mapping[str, Any]
    keeps_elections: bool = True

    def elections(self, elected: Mapping[str, Elections]) -> dict[str, Elections]:
        """The hospitals' elections without the parameters that the scenario sets for all of them."""
        if self.keeps_elections:
            return dict(elected)
        decided = set(self.changes)
        return {
            ccn: Elections(**{name: getattr(own, name) for name in own.model_fields_set - decided})
            for ccn, own in elected.items()
        }


def read_scenarios(path: Path, policy: Policy) -> list[Scenario]:
    """The scenarios of a file, :data:`AS_IS` first.

    Raises:
        HcipError: the file is not a mapping of names to changes, changes a parameter that a simulation cannot change,
            or has a value out of bounds.
    """
    content = load_yaml(path, "file of scenarios")
    found = [Scenario(AS_IS, policy, {})]
    for name, changes in content.items():
        changes = {} if changes is None else changes
        if not isinstance(changes, dict):
            raise HcipError(
                f"the scenario '{name}' is not a mapping of policy keys to values",
                file=path,
                fix="write it as, for example:  half and half: {improvement_share: 1/2}",
            )
        if str(name) == AS_IS:
            if changes:
                raise HcipError(f"'{AS_IS}' is the release itself", file=path, fix="give that scenario another name")
            continue
        keeps_elections = bool(changes.pop(_KEEP, False))
        unknown = [str(key) for key in changes if key not in PARAMETERS]
        if unknown:
            raise HcipError(
                f"the scenario '{name}' changes {', '.join(unknown)}, which a simulation cannot change",
                file=path,
                rule="SCENARIO-KEY",
                fix=f"it can change {', '.join(PARAMETERS)}; another base year or cost method needs a separate run",
            )
        tried = validate_yaml(Policy, policy.model_dump() | changes, path, f"scenario '{name}'")
        found.append(Scenario(str(name), tried, changes, keeps_elections))
    return found
