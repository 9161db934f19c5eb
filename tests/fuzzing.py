"""Corrupting files at random, from a seed: bytes, cells, JSON, YAML, archives and workbooks.

Belongs here: changes to a file of each format. Does not belong here: which files are corrupted, and what a reader
must do with them (``integration/test_fuzz.py``).
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

#: Cells that people, programs and attackers write.
CELLS = (
    "",
    " ",
    "0",
    "-1",
    "1e30",
    "1E+400",
    "NaN",
    "-0.00",
    "99999999999999999999",
    "0.000000001",
    "1,234.50",
    "$5.00",
    "٢٢٢١٩٢٦٨٨٦",
    "１２３４５６７８９３",
    "²",
    "9999-12-31",
    "0000-00-00",
    "2025-02-30",
    "-9999-01-01",
    "03/09/2025",
    "TRUE",
    "=1+1",
    "'; drop table d; --",
    "a\tb",
    'a""b',
    "\x7f",
    "\u202e",
    "\ufeff",
    "x" * 5_000,
    "null",
    "None",
    "[[",
    "{{ 1 }}",
)
#: Bytes that break a text as a whole.
SIGNS = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b'"',
    b"'",
    b",",
    b";",
    b"\t",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\x1a",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"PAR1",
    b"[" * 5_000,
    b"{" * 300,
    b"x" * 100_000,
    b"," * 3_000,
    b"\x00" * 1_000,
)
#: Lines that YAML reads as something other than a mapping of words.
YAML_LINES = (
    "? [a, b]\n: 1",
    "? {a: b}\n: 1",
    "a: !!timestamp x",
    "a: !!int x",
    "a: !!bool x",
    "a: !!float x",
    "a: !!binary '*'",
    "a: !!set {b, c}",
    "a: !!omap [b]",
    "a: !!pairs [b]",
    "a: !!python/name:os.system",
    "a: &a [*a]",
    "a: &b {<<: *b}",
    "<<: 1",
    "<<: [1]",
    "a: *none",
    "1: 2",
    "null: 1",
    "2025-01-01: 1",
    "2025-13-45: 1",
    "a: 2025-99-99",
    "a: 1e999999999",
    "a: 1.0e+999999999",
    "a: .inf",
    "a: -.nan",
    "a: 0x",
    "a: 1_0",
    "a: 190:20:30.15",
    "a: '\\ud800'",
    'a: "\\ud800"',
    "%YAML 9.9",
    "--- a\n--- b",
    "a: |\n b\n  c\n d",
    "\t- a",
    "- a",
    "a: " + "[" * 60,
    "a: " + "9" * 5_000,
    "!!map [a]",
    "a: !<x> b",
)
#: Values of unexpected types.
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    0.5,
    1e300,
    "",
    "x",
    "٢",
    [],
    [[]],
    {},
    {"a": 1},
    [None],
    "1e400",
    "\ud800",
    "../x",
    "x" * 5_000,
)

Corruption = Callable[[Random, bytes], bytes]


def text(rng: Random, content: bytes) -> bytes:
    """A text or any other file with bytes removed, moved, changed or inserted."""
    place = rng.randrange(len(content) + 1)
    end = min(len(content), place + rng.choice([1, 3, 50, 2_000]))
    match rng.randrange(8):
        case 0:
            return content[:place]
        case 1:
            return content[:place] + content[end:]
        case 2:
            return content[:end] + content[place:end] + content[end:]
        case 3:
            return content[:place] + rng.choice(SIGNS) + content[place:]
        case 4:
            return content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :]
        case 5:
            return content.replace(b"\n", rng.choice([b"\r", b"\r\n", b"\n\n", b"\0"]))
        case 6:
            return content.decode("utf-8", "replace").encode(rng.choice(["utf-16", "utf-16-be", "utf-8-sig", "utf-32"]))
        case _:
            return content + rng.choice(SIGNS) * rng.choice([1, 1, 100])


def table(rng: Random, content: bytes) -> bytes:
    """A CSV file with cells, columns or rows of another kind; sometimes corrupted as a text."""
    if rng.random() < 0.4:
        return text(rng, content)
    rows = [line.split(",") for line in content.decode().splitlines()]
    for _ in range(rng.choice([1, 1, 3, 20])):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(CELLS)
    match rng.randrange(8):
        case 0:
            rows.insert(rng.randrange(len(rows)), [rng.choice(CELLS)] * rng.choice([1, 5, 3_000]))
        case 1:
            rows[0] = rows[0] + [f"c{n}" for n in range(rng.choice([1, 1_100, 2_500]))]
        case 2:
            rows = [[f'"{cell}"' for cell in row] for row in rows]
        case 3:
            del rows[rng.randrange(len(rows))]
        case 4:
            rows = [row[:-1] for row in rows]
        case _:
            pass
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "replace") + b"\n"


def yaml(rng: Random, content: bytes) -> bytes:
    """A YAML file with unexpected lines, values of other types, or corrupted as a text."""
    choice = rng.random()
    if choice < 0.3:
        return text(rng, content)
    lines = content.decode().splitlines()
    place = rng.randrange(len(lines) + 1)
    if choice < 0.6:
        lines.insert(place, rng.choice(YAML_LINES))
    else:
        keyed = [n for n, line in enumerate(lines) if ":" in line and not line.lstrip().startswith("#")]
        at = rng.choice(keyed)
        key = lines[at].split(":", 1)[0]
        lines[at] = f"{key}: {rng.choice([*CELLS, *(json.dumps(value) for value in VALUES)])}"
    return "\n".join(lines).encode("utf-8", "replace") + b"\n"


def mapping(rng: Random, content: bytes) -> bytes:
    """A JSON file with a value of another type somewhere, nested deeply, or corrupted as a text."""
    choice = rng.random()
    if choice < 0.15:
        return text(rng, content)
    if choice < 0.2:
        return b"[" * 100_000
    whole = json.loads(content)
    here: Any = whole
    while True:
        keys = list(here) if isinstance(here, dict) else range(len(here))
        key = rng.choice(list(keys))
        below = here[key]
        if not isinstance(below, dict | list) or not below or rng.random() < 0.3:
            break
        here = below
    if isinstance(here, dict) and rng.random() < 0.2:
        del here[key]
    else:
        here[key] = rng.choice(VALUES)
    return json.dumps(whole).encode()


def packed(rng: Random, content: bytes) -> bytes:
    """A gzip file with its bytes or its content corrupted."""
    if rng.random() < 0.5:
        return text(rng, content)
    return gzip.compress(table(rng, gzip.decompress(content)), mtime=0)


def archive(rng: Random, content: bytes) -> bytes:
    """A zip file or a workbook with its bytes, one of its members or its packing changed."""
    if rng.random() < 0.35:
        return text(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as before:
        members = {entry.filename: before.read(entry) for entry in before.infolist()}
    name = rng.choice(list(members))
    match rng.randrange(4):
        case 0:
            del members[name]
        case 1:
            members[rng.choice(["../x", "/x", "x" * 300, name + "\\x"])] = members[name]
        case _:
            members[name] = text(rng, members[name])
    method = rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as after:
        for each, held in members.items():
            after.writestr(each, held)
    result = bytearray(made.getvalue())
    if rng.random() < 0.5:  # damage the packed members
        for _ in range(rng.choice([1, 30])):
            result[rng.randrange(len(result) * 3 // 4)] = rng.randrange(256)
    return bytes(result)
