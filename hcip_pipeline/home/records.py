"""Reading the JSON records that the program keeps in a home: receipts, manifests, lists of inputs.

Belongs here: errors for a missing, truncated or altered record. Does not belong here: writing (``files.atomic``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError

_FIX = "restore it from a backup; nothing was changed"


def read_record(path: Path, *needed: str, fix: str = _FIX) -> dict[str, Any]:
    """The mapping in a record.

    Args:
        needed: keys that it must have.

    Raises:
        HcipError: RECORD-DAMAGED; names the file and what to do.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not JSON"
        raise HcipError(f"the record cannot be read: {reason}", file=path, rule="RECORD-DAMAGED", fix=fix) from error
    if not isinstance(record, dict) or not set(needed) <= record.keys():
        raise HcipError("the record is damaged or was changed", file=path, rule="RECORD-DAMAGED", fix=fix)
    return record
