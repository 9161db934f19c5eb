"""A class name means one thing: no two classes of the product share one.

``release.verification`` is left out: it recomputes a release by itself and imports nothing of the product, so it has
tables, releases and hospitals of its own. Classes of a module's own, with an underscore, count as well.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import hcip_pipeline

PACKAGE = Path(hcip_pipeline.__file__).parent
#: A column of a table, and one of a workbook's sheet.
SHARED = frozenset({"Column"})


def test_no_two_classes_have_the_same_name() -> None:
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("release/verification/"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(name)
    repeated = {name: places for name, places in found.items() if len(places) > 1}
    assert repeated.keys() == SHARED, repeated
