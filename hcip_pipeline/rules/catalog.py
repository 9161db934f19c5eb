"""Every rule on files of any kind, and the ids that older receipts use.

Belongs here: finding a rule by its id. Does not belong here: rules (the other modules of this package).
"""

from __future__ import annotations

from hcip_pipeline.rules import bcda, cclf, files, hospital, protocols, sparcs, texas
from hcip_pipeline.rules.rule import Rule, by_id

#: Kind of file -> its rules.
CATALOGS: dict[str, dict[str, Rule]] = {
    "hospital": hospital.RULES,
    "cclf": cclf.RULES,
    "bcda": bcda.RULES,
    "files": files.RULES,
    "protocols": protocols.RULES,
    "sparcs": sparcs.RULES,
    "texas": texas.RULES,
}
RULES = by_id(*(rule for rules in CATALOGS.values() for rule in rules.values()))

#: Kinds of file whose rule ids used to have underscores; receipts from that time keep them.
FORMERLY_UNDERSCORED = ("cclf", "files", "protocols", "sparcs")


def current_id(id_: str) -> str:
    """The current id of a rule, given any id it ever had; an unknown id is returned unchanged."""
    hyphenated = id_.replace("_", "-")
    return hyphenated if hyphenated in RULES else id_


def former_id(rule: Rule) -> str:
    """The id of a rule in older receipts; empty if it has never changed."""
    spelled = rule.id.replace("-", "_")
    return spelled if spelled != rule.id and any(rule.id in CATALOGS[kind] for kind in FORMERLY_UNDERSCORED) else ""


def find_rule(id_: str) -> Rule:
    """The rule with an id, current or former.

    Raises:
        KeyError: no rule has it.
    """
    return RULES[current_id(id_)]
