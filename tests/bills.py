"""X12 837 institutional bills for tests: segments as lists of text, and the envelope around them.

Belongs here: writing bills, valid by default. Does not belong here: reading them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.table import Table

CCN = "210043"
ATTENDING, OPERATING = "1234567893", "1245319599"
GROUPING = "account_no,patient_id,grouper_version,apr_drg,severity_of_illness,risk_of_mortality"


def typed(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Text columns with the contract's types; missing columns are added, empty."""
    return frame.select(
        pl.lit(None, dtype=column.polars_type).alias(column.name)
        if column.name not in frame.columns
        else pl.col(column.name).str.to_date()
        if column.type == "date"
        else pl.col(column.name).cast(column.polars_type)
        for column in table.columns
    )


@dataclass(frozen=True)
class Signs:
    """Separators of elements, components, repetitions and segments, and the text written after each segment."""

    element: str = "*"
    component: str = ":"
    repetition: str = "^"
    segment: str = "~"
    after: str = "\n"

    def of(self, segments: Iterable[str]) -> str:
        """Segments given with ``*``, ``:`` and ``^``, written with these separators."""
        table = str.maketrans({"*": self.element, ":": self.component, "^": self.repetition})
        return "".join(segment.translate(table) + self.segment + self.after for segment in segments)


def patient(
    hl: int = 2,
    *,
    payer: str = "MA",
    order: str = "P",
    born: str = "19500101",
    sex: str = "F",
    zip_code: str = "21216",
    child: tuple[str, str, str] | None = None,
) -> list[str]:
    """A subscriber, and if ``child`` is given a dependent patient with that birth date, sex and ZIP code."""
    lines = [
        f"HL*{hl}*1*22*{int(child is not None)}",
        f"SBR*{order}*{'' if child else 18}*******{payer}",
        "NM1*IL*1*TEST*PAT****MI*1EG4TE5MK00",
        "N3*1 ELM STREET",
        f"N4*ANYWHERE*MD*{zip_code}",
        f"DMG*D8*{born}*{sex}",
        "NM1*PR*2*MEDICARE*****PI*12302",
        "N3*9 PAYER ROAD",
        "N4*ELSEWHERE*TX*75001",
    ]
    if child is not None:
        lines += [
            f"HL*{hl + 1}*{hl}*23*0",
            "PAT*19",
            "NM1*QC*1*TEST*CHILD",
            "N3*1 ELM STREET",
            f"N4*ANYWHERE*MD*{child[2]}",
            f"DMG*D8*{child[0]}*{child[1]}",
        ]
    return lines


def claim(
    account: str = "250000001",
    *,
    lines: Sequence[tuple[str, str, str, str]] = (("0120", "4800", "3", "20250102"), ("0250", "200.25", "4", "")),
    total: str = "",
    frequency: str = "1",
    facility: str = "11",
    admitted: str = "202501020815",
    first: str = "20250102",
    last: str = "20250105",
    status: str = "01",
    codes: Sequence[str] = (
        "HI*ABK:M1611:::::::Y",
        "HI*ABF:E119:::::::Y*ABF:I10:::::::N",
        "HI*BBR:0SR90JZ:D8:20250102",
    ),
    people: Sequence[str] = (
        f"NM1*71*1*ATTENDING*ANN****XX*{ATTENDING}",
        f"NM1*72*1*OPERATING*OLA****XX*{OPERATING}",
    ),
    others: Sequence[str] = (),
) -> list[str]:
    """A claim; a line is revenue code, charge, units and day (empty: none). ``others`` are other payers' segments."""
    owed = total or f"{sum(float(line[1]) for line in lines):.2f}"
    segments = [
        f"CLM*{account}*{owed}***{facility}:A:{frequency}**A*Y*Y",
        "DTP*096*TM*1100",
        f"DTP*434*RD8*{first}-{last}",
        f"DTP*435*DT*{admitted}",
        f"CL1*3*1*{status}",
        *codes,
        *people,
        *others,
    ]
    for number, (code, charge, units, day) in enumerate(lines, start=1):
        segments += [f"LX*{number}", f"SV2*{code}**{charge}*UN*{units}"]
        segments += [f"DTP*472*D8*{day}"] if day else []
    return segments


#: Another payer of a claim, with its own provider.
OTHER_PAYER = (
    "SBR*S*18*******CI",
    "OI***Y***Y",
    "NM1*IL*1*OTHER*PERSON****MI*999",
    "N3*2 OAK STREET",
    "N4*NOWHERE*PA*17111",
    "NM1*PR*2*OTHER PAYER*****PI*777",
    "NM1*71*1",
    "REF*G2*ABC",
)


def interchange(
    *claims: Sequence[str],
    signs: Signs | None = None,
    made: str = "20250401",
    version: str = "005010X223A2",
    npi: str = "1999999992",
) -> str:
    """One interchange with one transaction set of these levels and claims."""
    signs = signs or Signs()
    provider = [
        "HL*1**20*1",
        "PRV*BI*PXC*282N00000X",
        f"NM1*85*2*GENERAL HOSPITAL*****XX*{npi}",
        "N3*1 HOSPITAL WAY",
        "N4*GLEN BURNIE*MD*210610000",
        "REF*EI*520000000",
    ]
    body = [
        f"ST*837*0001*{version}",
        f"BHT*0019*00*0001*{made}*0900*CH",
        "NM1*41*2*GENERAL HOSPITAL*****46*210043",
        "PER*IC*PFS*TE*4105550100",
        "NM1*40*2*MEDICARE*****46*12302",
        *provider,
        *(segment for part in claims for segment in part),
    ]
    head = "ISA*00*          *00*          *ZZ*210043         *ZZ*12302          *250401*0900*^*00501*000000001*0*P*:"
    return signs.of(
        [
            head,
            f"GS*HC*210043*12302*{made}*0900*1*X*{version}",
            *body,
            f"SE*{len(body) + 1}*0001",
            "GE*1*1",
            "IEA*1*000000001",
        ]
    )


def grouping(*accounts: str) -> str:
    """A grouping file with one row per account."""
    rows = [f"{account},P{account},42,301,2,1" for account in accounts]
    return "\n".join([GROUPING, *rows]) + "\n"


def write(folder: Path, bills: str | bytes | dict[str, str | bytes], *accounts: str) -> Path:
    """A submission folder ``2025Q1/210043`` below ``folder`` with files of bills and a grouping file."""
    place = folder / "inbox" / "hospital" / "2025Q1" / CCN
    place.mkdir(parents=True, exist_ok=True)
    for name, content in (bills if isinstance(bills, dict) else {"a.837": bills}).items():
        (place / name).write_bytes(content if isinstance(content, bytes) else content.encode("latin-1"))
    if accounts:
        (place / "grouping.csv").write_text(grouping(*accounts), encoding="utf-8")
    return place
