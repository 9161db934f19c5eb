"""Reading back what the program wrote down in a home as JSON: receipts, manifests, lists of inputs.

Belongs here: a record that is gone, cut or changed, in words. Does not belong here: writing (``files.atomic``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError

_FIX = "put it back from a backup; nothing was changed"


def read_record(path: Path, *needed: str, fix: str = _FIX) -> dict[str, Any]:
    """The mapping that a record holds.

    Args:
        needed: names that it must have.

    Raises:
        HcipError: RECORD-DAMAGED; names the file and the way out.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not JSON"
        raise HcipError(f"the record cannot be read: {reason}", file=path, rule="RECORD-DAMAGED", fix=fix) from error
    if not isinstance(record, dict) or not set(needed) <= record.keys():
        raise HcipError("the record is not what was written", file=path, rule="RECORD-DAMAGED", fix=fix)
    return record
