"""Structural corruption: zip archives and workbooks as attackers and odd programs make them, texts in odd encodings.

Belongs here: variants of such files. Does not belong here: random damage (``fuzzing``), and what a reader must do.
"""

from __future__ import annotations

import codecs
import io
import itertools
import struct
import zipfile
from collections.abc import Callable
from random import Random

from tests import fuzzing

#: more zeros than the limit for so small a file allows, and cheap to pack
_BOMB = bytes(40_000_000)
_NAMES = (
    "../discharges.csv", "/etc/discharges.csv", "..\\discharges.csv", "C:\\discharges.csv", "a/../../discharges.csv",
    "discharges.csv\x00.txt", "x" * 300 + ".csv", "discharges.csv/", "__MACOSX/._discharges.csv",
    "ENTLASSUNGEN\u202e.csv",
    ".csv", " ", "con.csv", "discharges.CSV", "discharges.exe",
)  # fmt: skip
_ENCODINGS = (
    "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-7", "cp1252", "cp037", "shift_jis",
    "iso2022_jp", "gb18030", "koi8_r", "punycode",
)  # fmt: skip
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def encoded(rng: Random, content: bytes) -> bytes:
    """A text in another encoding, with any byte order mark, and letters that few encodings have."""
    text = content.decode("utf-8", "replace")
    if rng.random() < 0.5:
        place = rng.randrange(len(text) + 1)
        text = (
            text[:place]
            + rng.choice(["é", "ß", "Ω", "日本", "\U0001f600", "\u2028", "\u0085", "\ufeff"])
            + text[place:]
        )
    match rng.randrange(4):
        case 0:
            return rng.choice(_MARKS) * rng.choice([1, 2]) + text.encode()
        case 1:
            return rng.choice(_MARKS) + text.encode(rng.choice(_ENCODINGS), "replace")
        case 2:
            return text.encode()[: len(content) // 2] + text.encode("utf-16-le")[len(content) :]
        case _:
            return text.encode(rng.choice(_ENCODINGS), "replace")


def _zipped(members: list[tuple[str | zipfile.ZipInfo, bytes]], **how: bool) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            with archive.open(name, "w", force_zip64=how.get("zip64", False)) as member:
                member.write(content)
    return made.getvalue()


def _duplicated(members: list[tuple[str, bytes]]) -> bytes:
    """Give the last member the name of the first."""
    first, last = members[0][0].encode(), b"z" * len(members[0][0])
    return _zipped([*members, (last.decode(), b"other")]).replace(last, first)


def _marked(content: bytes, offset_local: int, offset_central: int, value: bytes) -> bytes:
    """Set bytes in the headers of every member."""
    made = bytearray(content)
    for sign, offset in ((b"PK\x03\x04", offset_local), (b"PK\x01\x02", offset_central)):
        at = made.find(sign)
        while at >= 0:
            made[at + offset : at + offset + len(value)] = value
            at = made.find(sign, at + 4)
    return bytes(made)


def _encrypted(content: bytes) -> bytes:
    return _marked(content, 6, 8, struct.pack("<H", 1))


def _oddly_packed(content: bytes) -> bytes:
    return _marked(content, 8, 10, struct.pack("<H", 99))


def _lying(content: bytes) -> bytes:
    """Headers with wrong sizes."""
    return _marked(content, 22, 24, struct.pack("<I", 0x7FFFFFFF))


def zipped_table(rng: Random, content: bytes) -> bytes:
    """``.csv.zip``: one table in an archive of any structure."""
    with zipfile.ZipFile(io.BytesIO(content)) as before:
        name = before.namelist()[0]
        table = before.read(name)
    link = zipfile.ZipInfo(name)
    link.external_attr = 0o120777 << 16
    shapes: tuple[Callable[[], bytes], ...] = (
        lambda: content[: rng.randrange(len(content))],
        lambda: content[rng.randrange(1, 60) :],
        lambda: b"#!/bin/sh\n" * 20 + content,
        lambda: content + b"\0" * rng.choice([1, 30, 70_000]),
        lambda: _zipped([(name, _BOMB)]),
        lambda: _zipped([(name, table), ("more.csv", _BOMB)]),
        lambda: _zipped([(name, _zipped([(name, _zipped([(name, _BOMB)]))]))]),
        lambda: _duplicated([(name, table)]),
        lambda: _zipped([(rng.choice(_NAMES), table)]),
        lambda: _zipped([(name, table), (rng.choice(_NAMES), table)]),
        lambda: _zipped([(name, content)]),
        lambda: _zipped([]),
        lambda: _zipped([(f"{number}.csv", b"") for number in range(3_000)]),
        lambda: _zipped([(link, b"/etc/passwd")]),
        lambda: _zipped([(name, table)], zip64=True),
        lambda: _encrypted(content),
        lambda: _oddly_packed(content),
        lambda: _lying(content),
        lambda: _zipped([(name, encoded(rng, table))]),
        lambda: _zipped([(name, fuzzing.table(rng, table))]),
        lambda: fuzzing.archive(rng, content),
    )
    return rng.choice(shapes)()


_DOUBLED = "".join(f'<!ENTITY {name} "{40 * f"&{held};"}">' for held, name in itertools.pairwise("abcdefg"))
_ENTITIES = f'<!DOCTYPE x [<!ENTITY a "ha">{_DOUBLED}]>'
_OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
_CELLS = (
    '<c r="A1" t="s"><v>999999</v></c>', '<c r="A1" t="s"><v>-1</v></c>', '<c r="A1" t="s"><v>x</v></c>', '<c r="0A"/>',
    '<c r="A1" t="d"><v>2025-13-45</v></c>', '<c r="A1" t="e"><v>#REF!</v></c>', '<c r="A1" t="b"><v>7</v></c>',
    '<c r="A1" t="q"><v>1</v></c>', '<c r="A1" s="9999"><v>1</v></c>', '<c r="XFD1048576"><v>1</v></c>',
    '<c r="A1"><v>1e999</v></c>', '<c r="A1"><f>WEBSERVICE("http://example.org")</f><v>1</v></c>',
    '<c r="A99999999999"/>',
    '<c r="A1" t="inlineStr"><is><t>' + "x" * 40_000 + "</t></is></c>", '<c r="A1" s="1"><v>99999999</v></c>',
)  # fmt: skip


def workbook(rng: Random, content: bytes) -> bytes:
    """``.xlsx`` of any structure: parts missing, doubled, of other types; links, many sheets, entities, odd cells."""
    with zipfile.ZipFile(io.BytesIO(content)) as before:
        members = {entry.filename: before.read(entry) for entry in before.infolist()}
    sheet = next(name for name in members if name.startswith("xl/worksheets/sheet"))

    def changed(name: str, old: bytes, new: bytes) -> bytes:
        return _zipped([*(members | {name: members[name].replace(old, new, 1)}).items()])

    def with_more(more: dict[str, bytes]) -> bytes:
        return _zipped([*(members | more).items()])

    def of_sheets(count: int) -> bytes:
        entries = "".join(f'<sheet name="S{n}" sheetId="{n + 9}" r:id="rId1"/>' for n in range(count)).encode()
        return changed("xl/workbook.xml", b"<sheets>", b"<sheets>" + entries)

    declared = members[sheet].find(b"?>") + 2 if members[sheet].startswith(b"<?xml") else 0
    head, body = members[sheet][:declared], members[sheet][declared:]
    outside = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    )
    outside += b'Type="x" Target="http://example.org/" TargetMode="External"/></Relationships>'
    shapes: tuple[Callable[[], bytes], ...] = (
        lambda: content[: rng.randrange(len(content))],
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + content,  # as encrypted workbooks begin
        lambda: _encrypted(content),
        lambda: _duplicated([*members.items()]),
        lambda: _zipped([*members.items()], zip64=True),
        lambda: _zipped([(name, held) for name, held in members.items() if name != rng.choice([*members])]),
        lambda: with_more({rng.choice([*members]): b""}),
        lambda: with_more({rng.choice([*members]): _BOMB}),
        lambda: with_more({rng.choice(_NAMES): body, "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0" * 99}),
        lambda: with_more(
            {"xl/externalLinks/_rels/externalLink1.xml.rels": outside, "xl/externalLinks/externalLink1.xml": body}
        ),
        lambda: with_more({"xl/_rels/workbook.xml.rels": outside}),
        lambda: with_more(
            {"[Content_Types].xml": members["[Content_Types].xml"].replace(b"sheet.main", b"template.main")}
        ),
        lambda: with_more({"[Content_Types].xml": members["[Content_Types].xml"].replace(b"worksheet", b"chartsheet")}),
        lambda: of_sheets(rng.choice([1, 200, 20_000])),
        lambda: with_more(
            {sheet: head + rng.choice([_ENTITIES, _OUTSIDE]).encode() + body.replace(b"<v>", b"<v>&f;", 1)}
        ),
        lambda: changed(sheet, b"<sheetData>", b"<sheetData>" + f'<row r="1">{rng.choice(_CELLS)}</row>'.encode()),
        lambda: changed(
            sheet, b"<sheetData>", b"<sheetData>" + b'<row r="-5"/><row r="x"/><row/>' * rng.choice([1, 9_000])
        ),
        lambda: with_more({sheet: head + b"<a>" * rng.choice([10, 100_000])}),
        lambda: with_more({sheet: encoded(rng, members[sheet])}),
        lambda: fuzzing.archive(rng, content),
    )
    return rng.choice(shapes)()
