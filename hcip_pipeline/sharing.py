"""A home shared through object storage: when it is synchronized, and when its releases are published with it.

Belongs here: the occasions (a command or run begins; something was accepted, released or destroyed). Does not belong
here: the protocol (``shared_home``). If the settings name no storage, nothing is done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress


def storage_of(home: Home) -> str:
    """The address where a home is shared; empty if it is not.

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
    """Upload what the home has accepted, fetch what other machines have, and publish the releases.

    Args:
        progress: called with a description of the current work.
        held: locks that the caller holds exclusively.
        removed: files that were destroyed and must be removed from the storage too.

    Raises:
        UsageError: the address is not valid, or the library for its kind of storage is not installed.
        HcipError: the storage cannot be reached or is damaged, or another machine has accepted something different.
    """
    address = storage_of(home)
    if not address:
        return
    from hcip_pipeline.shared_home.synchronizing import synchronize

    done = synchronize(home, address, progress, held=held, removed=removed)
    _publish(home, f"{address}/releases", done.releases)


def _publish(home: Home, address: str, releases: Collection[str]) -> None:
    """Copy releases as `hcip publish` does, for auditors and for `hcip verify` without a home.

    Only committed releases get here, so two machines never publish different ones under the same name.
    """
    from hcip_pipeline.files.atomic import write_json
    from hcip_pipeline.publishing.object_storage import is_published, publish

    record = home.root / "storage" / "published.json"
    try:
        published = {str(name) for name in json.loads(record.read_text(encoding="utf-8"))[address]}
    except (OSError, ValueError, LookupError, TypeError):
        published = set()
    for release in sorted(set(releases) - published):
        folder = home.releases / release
        if not is_published(folder, address):
            publish(folder, address)
    if set(releases) - published:
        write_json({address: sorted(published | set(releases))}, record)
