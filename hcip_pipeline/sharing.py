"""A home that is shared through object storage: when it is synchronized, and its releases published next to.

Belongs here: the occasions (a command or run begins; something was accepted, released or destroyed). Does not belong
here: the protocol (``shared_home``). Where the settings name no storage, nothing is done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress


def storage_of(home: Home) -> str:
    """The address that a home is shared at; empty: it is not.

    Raises:
        HcipError: the settings cannot be read.
    """
    if os.environ.get("HCIP_STORAGE"):
        return os.environ["HCIP_STORAGE"].rstrip("/")
    if not (home.root / "settings.yaml").is_file():
        return ""
    from hcip_pipeline.alerting.settings import load_settings

    return load_settings(home).storage.rstrip("/")


def share(home: Home, progress: Progress, *, held: Collection[str] = (), removed: Iterable[Path] = ()) -> None:
    """Share what the home has accepted, bring what other machines have, and publish the releases among it.

    Args:
        progress: called with a description of what is going on.
        held: locks that the caller holds alone.
        removed: files that were destroyed, and must go from the storage too.

    Raises:
        UsageError: the address is none, or its kind of storage is not installed.
        HcipError: the storage cannot be reached or is damaged, or another machine has accepted something otherwise.
    """
    address = storage_of(home)
    if not address:
        return
    from hcip_pipeline.shared_home.synchronizing import synchronize

    done = synchronize(home, address, progress, held=held, removed=removed)
    _publish(home, f"{address}/releases", done.releases)


def _publish(home: Home, address: str, releases: Collection[str]) -> None:
    """Lay releases out as `hcip publish` does: for auditors, and `hcip verify` without a home.

    Only releases that are committed get here, so two machines never publish different ones under one name.
    """
    from hcip_pipeline.files.atomic import write_json
    from hcip_pipeline.publishing.object_storage import is_published, publish

    noted = home.root / "storage" / "published.json"
    try:
        before = {str(name) for name in json.loads(noted.read_text(encoding="utf-8"))[address]}
    except (OSError, ValueError, LookupError, TypeError):
        before = set()
    for release in sorted(set(releases) - before):
        folder = home.releases / release
        if not is_published(folder, address):
            publish(folder, address)
    if set(releases) - before:
        write_json({address: sorted(before | set(releases))}, noted)
