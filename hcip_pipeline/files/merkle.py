"""Merkle roots over named files, as RFC 6962 builds them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence


def merkle_root(files: Mapping[str, str]) -> str:
    """Merkle root over paths and hashes, as RFC 6962 builds it (§2.1): sha256, leaves in order of their paths.

    A leaf is ``sha256(0x00 path 0x00 hash)``, a node ``sha256(0x01 left right)``; the left subtree of n leaves holds
    the largest power of two below n.
    """
    leaves = [hashlib.sha256(b"\0" + f"{path}\0{files[path]}".encode()).digest() for path in sorted(files)]
    return _root(leaves).hex()


def _root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + _root(leaves[:split]) + _root(leaves[split:])).digest()
