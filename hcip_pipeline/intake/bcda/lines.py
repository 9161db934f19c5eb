"""Lines of ndjson, checked and written in pieces for DuckDB's JSON reader.

Belongs here: the bytes: compression, line ends, lengths, forbidden characters, and numbers kept exactly as written.
Does not belong here: the content of a resource (``tables``), JSON that cannot be read (``faults``).

Most JSON readers turn numbers into doubles. Every number under the key ``value`` is therefore put in quotation marks
here, so that an amount keeps the digits that it has in the file.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import CLAIMS, DAMAGE, bytes_in_words, open_file
from hcip_pipeline.intake.bcda.exports import DataFile
from hcip_pipeline.intake.bcda.manifest import bundle

#: A claim of a thousand lines is some 2 MB.
MAX_LINE_BYTES = 16 * 1024 * 1024
#: Bytes of text per piece.
PIECE_BYTES = 24 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_AGAIN = "download the file again"
#: A key ``value`` with a number. Inside a string, the quotation marks would be escaped.
_NUMBER = re.compile(rb'"value"\s*:\s*(-?[0-9][0-9.eE+-]*)')
_QUOTED = rb'"value":"\1"'
_EXPONENT = re.compile(rb'"value"\s*:\s*-?[0-9][0-9.]*[eE]')
_DOLLARS = b'"currency":"USD"'
_OTHER_CURRENCY = re.compile(rb'"currency"\s*:(?!\s*"USD")')
#: FHIR forbids processing a resource with one of these by a program that does not understand it.
_MODIFIERS = (b'"modifierExtension"', b'"implicitRules"')
_MODIFIER = re.compile(rb'"(modifierExtension|implicitRules)"\s*:')


@dataclass(frozen=True)
class LinePiece:
    """Lines of a file in ``path``, each with its number under the key ``_row`` and its hash under ``_digest``."""

    path: Path
    lines: int


def pieces(file: DataFile, scratch: Path, piece_bytes: int = PIECE_BYTES) -> Iterator[LinePiece]:
    """The file's lines in pieces; each piece overwrites the previous one.

    Raises:
        HcipError: ``BCDA-EXPANSION``, ``BCDA-DAMAGED``, ``BCDA-LINE-TOO-LONG``, ``BCDA-NUL``, ``BCDA-BUNDLE``,
            ``BCDA-NOT-NDJSON``, ``BCDA-TRUNCATED``, ``BCDA-LINE``, ``BCDA-EXPONENT``, ``BCDA-CURRENCY``,
            ``BCDA-MODIFIER``.
    """
    gathered: list[bytes] = []
    size = 0
    for row, line in _lines(file):
        _refuse_unsupported(line, row, file)
        digest = hashlib.blake2b(line, digest_size=8).hexdigest().encode()
        gathered.append(b'{"_row":%d,"_digest":"%b",%b\n' % (row, digest, _numbers_kept(line, row, file)[1:]))
        size += len(line)
        if size >= piece_bytes:
            yield _written(gathered, scratch)
            gathered, size = [], 0
    if gathered:
        yield _written(gathered, scratch)


def _written(lines: list[bytes], scratch: Path) -> LinePiece:
    path = scratch / "piece.ndjson"
    with path.open("wb") as target:
        target.writelines(lines)
    return LinePiece(path, len(lines))


def _lines(file: DataFile) -> Iterator[tuple[int, bytes]]:
    """Every nonempty line with its number, counted from 1."""
    name = file.path.name
    try:
        with open_file(file.path, CLAIMS) as packed:
            is_gzip = packed.read(2) == b"\x1f\x8b"
            packed.seek(0)
            most = CLAIMS.max_unpacked(file.path.stat().st_size) if is_gzip else CLAIMS.bytes
            stream = gzip.GzipFile(fileobj=packed) if is_gzip else packed
            row = total = 0
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                row, total = row + 1, total + len(raw)
                if total > most:
                    raise HcipError(
                        f"the compressed file would expand to over {CLAIMS.times} times its size, or over "
                        f"{bytes_in_words(CLAIMS.unpacked)}",
                        fix="check where the file comes from; if it is genuine, decompress it and put it here",
                        file=name, rule="BCDA-EXPANSION",
                    )  # fmt: skip
                if len(raw) > MAX_LINE_BYTES:
                    raise HcipError(
                        f"a line is longer than {bytes_in_words(MAX_LINE_BYTES)}; no resource is that long",
                        fix=_AGAIN, file=name, row=row, rule="BCDA-LINE-TOO-LONG",
                    )  # fmt: skip
                line = raw.removeprefix(_BYTE_ORDER_MARK).strip() if row == 1 else raw.strip()
                if line:
                    _check(line, row, is_last=not raw.endswith(b"\n"), name=name)
                    yield row, line
    except DAMAGE as error:
        raise HcipError(
            f"the file cannot be read to its end ({type(error).__name__})", fix=_AGAIN, file=name, rule="BCDA-DAMAGED"
        ) from error


def _check(line: bytes, row: int, *, is_last: bool, name: str) -> None:
    if b"\x00" in line or b"\\u0000" in line:
        raise HcipError(
            "the line contains a NUL character, which is not allowed", fix=_AGAIN, file=name, row=row, rule="BCDA-NUL"
        )
    if line.startswith(b"[") or line == b"{":
        raise HcipError(
            "the file is a JSON list or a document over several lines, not one resource per line",
            fix="use the files of a bulk export ($export), which are ndjson",
            file=name, row=row, rule="BCDA-NOT-NDJSON",
        )  # fmt: skip
    if row == 1 and b'"Bundle"' in line[:2000] and re.search(rb'"resourceType"\s*:\s*"Bundle"', line[:2000]):
        raise bundle(name)
    if not (line.startswith(b"{") and line.endswith(b"}")):
        raise cut(name, row) if is_last and line.startswith(b"{") else not_a_resource(name, row)


def cut(name: str, row: int) -> HcipError:
    """The refusal of a file whose last line is cut off."""
    return HcipError(
        "the file is truncated: its last line ends in the middle of a resource",
        fix=_AGAIN, file=name, row=row, rule="BCDA-TRUNCATED",
    )  # fmt: skip


def not_a_resource(name: str, row: int, why: str = "it does not begin and end as a JSON object") -> HcipError:
    """The refusal of a line that is not a resource."""
    return HcipError(f"the line is not a resource: {why}", fix=_AGAIN, file=name, row=row, rule="BCDA-LINE")


def _numbers_kept(line: bytes, row: int, file: DataFile) -> bytes:
    if _EXPONENT.search(line):
        raise HcipError(
            "an amount or quantity is written with an exponent (1E+05): its digits may be lost",
            fix="use the file as CMS delivers it, not one that another program has rewritten",
            file=file.path.name, row=row, rule="BCDA-EXPONENT",
        )  # fmt: skip
    return _NUMBER.sub(_QUOTED, line)


def _refuse_unsupported(line: bytes, row: int, file: DataFile) -> None:
    """Refuse amounts in another currency, and elements that must be understood before a resource may be read."""
    if line.count(b'"currency"') != line.count(_DOLLARS) and _OTHER_CURRENCY.search(line):
        raise HcipError(
            "an amount is not in US dollars (currency)",
            fix="use the file as CMS delivers it: Medicare pays in dollars",
            file=file.path.name, row=row, rule="BCDA-CURRENCY",
        )  # fmt: skip
    if any(modifier in line for modifier in _MODIFIERS) and (found := _MODIFIER.search(line)):
        raise HcipError(
            f"the resource has an element that may change the meaning of all others ({found[1].decode()})",
            fix="ask CMS what it means; until this program supports it, no export with it can be ingested",
            file=file.path.name, row=row, rule="BCDA-MODIFIER",
        )  # fmt: skip
