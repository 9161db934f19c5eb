"""The modules of the product, by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import hcip_pipeline

PACKAGE = Path(hcip_pipeline.__file__).parent


@cache
def product_modules() -> dict[str, Path]:
    """Dotted name below the package -> file; the package itself is the empty name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found
