"""Reading a policy file, with the hash that releases record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.files.yaml_files import parse_yaml, read_yaml_text, validate_yaml
from hcip_pipeline.policy.model import Policy


@dataclass(frozen=True)
class PolicyFile:
    """A policy with the text it was read from and that text's sha256."""

    policy: Policy
    text: str
    sha256: str
    path: Path


def load_policy(path: Path) -> PolicyFile:
    """Read and validate a policy file.

    Raises:
        HcipError: absent, unreadable, with an unknown key, a value out of bounds, or no ``base_year``.
    """
    text = read_yaml_text(path, "policy")
    return PolicyFile(read_policy(text, path), text, hashlib.sha256(text.encode()).hexdigest(), path)


def read_policy(text: str, path: Path) -> Policy:
    """The policy in ``text``, such as a release contains; ``path`` is the file it came from.

    Raises:
        HcipError: not a policy of this version of the program.
    """
    return validate_yaml(Policy, parse_yaml(text, path, "policy"), path, "policy")
