"""Random bills in every form that a valid 837 institutional file may have, from a seed.

Belongs here: hierarchies, repeated loops, other payers and their providers, separators. Does not belong here: reading
them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.bills import Signs

_SIGNS = "*|:^~!>+\\&%=@\x1c\x1d\x1e\x1f"
_DIAGNOSES = ("M1611", "E119", "I10", "N179", "J449", "D649", "K254", "I2510")
_PROCEDURES = ("0SR90JZ", "3E03317", "0W9G3ZZ", "10D00Z1")
_PAYERS = ("MA", "MB", "MC", "BL", "CI", "HM", "16", "09", "WC", "ZZ")


def drawn_signs(draw: random.Random) -> Signs:
    """Four different separators, and the text written after each segment."""
    element, component, repetition, segment = draw.sample(_SIGNS, 4)
    return Signs(element, component, repetition, segment, draw.choice(("", "\n", "\r\n")))


def generated_file(seed: int, claims: int) -> str:
    """An interchange with at least ``claims`` claims."""
    draw = random.Random(seed)
    writer = _Writer(draw)
    body: list[str] = []
    while writer.claims < claims:
        body += writer.provider()
    head = "ISA*00*          *00*          *ZZ*210043         *ZZ*12302          *250401*0900*^*00501*000000001*0*T*:"
    opening = [
        "ST*837*0001*005010X223A2",
        "BHT*0019*00*0001*20250401*0900*CH",
        "NM1*41*2*GENERAL HOSPITAL*****46*210043",
        "PER*IC*PFS*TE*4105550100",
        "NM1*40*2*MEDICARE*****46*12302",
    ]
    segments = [*opening, *body]
    return drawn_signs(draw).of(
        [
            head,
            "GS*HC*210043*12302*20250401*0900*1*X*005010X223A2",
            *segments,
            f"SE*{len(segments) + 1}*0001",
            "GE*1*1",
            "IEA*1*000000001",
        ]
    )


class _Writer:
    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.level = 0
        self.claims = 0

    def often(self, share: float) -> bool:
        return self.draw.random() < share

    def npi(self) -> str:
        return f"1{self.draw.randrange(10**9):09d}"

    def day(self) -> str:
        return f"2025{self.draw.randint(1, 3):02d}{self.draw.randint(1, 28):02d}"

    def hl(self, parent: int | str, level: str, child: int) -> str:
        self.level += 1
        return f"HL*{self.level}*{parent}*{level}*{child}"

    def provider(self) -> list[str]:
        """A billing provider with its subscribers."""
        lines = [self.hl("", "20", 1)]
        lines += ["PRV*BI*PXC*282N00000X"] if self.often(0.5) else []
        lines += [f"NM1*85*2*GENERAL HOSPITAL*****XX*{self.npi()}", "N3*1 HOSPITAL WAY", "N4*GLEN BURNIE*MD*210610000"]
        lines += ["REF*EI*520000000"]
        lines += ["NM1*87*2", "N3*PO BOX 9", "N4*ELSEWHERE*TX*750019999"] if self.often(0.4) else []
        above = self.level
        for _ in range(self.draw.randint(1, 3)):
            lines += self.subscriber(above)
        return lines

    def subscriber(self, above: int) -> list[str]:
        patients = self.draw.choice((0, 0, 1, 2))
        first = "P" if self.often(0.8) else "S"
        lines = [self.hl(above, "22", int(patients > 0)), f"SBR*{first}*{'' if patients else 18}*******{self.payer()}"]
        lines += [f"NM1*IL*1*{self.name()}*PAT****MI*1EG4TE5MK00", "N3*1 ELM STREET"]
        lines += [f"N4*ANYWHERE*MD*{self.zip_code()}", f"DMG*D8*{self.born()}*{self.draw.choice('FMU')}"]
        lines += ["NM1*PR*2*MEDICARE*****PI*12302"]
        lines += ["N3*9 PAYER ROAD", "N4*ELSEWHERE*TX*75001"] if self.often(0.4) else []
        own = self.level
        if not patients:
            for _ in range(self.draw.randint(1, 3)):
                lines += self.claim(first)
        for _ in range(patients):
            lines += [self.hl(own, "23", 0), "PAT*19", f"NM1*QC*1*{self.name()}*CHILD", "N3*1 ELM STREET"]
            lines += [f"N4*ANYWHERE*MD*{self.zip_code()}", f"DMG*D8*{self.born()}*{self.draw.choice('FMU')}"]
            for _ in range(self.draw.randint(1, 2)):
                lines += self.claim(first)
        return lines

    def payer(self) -> str:
        return self.draw.choice(_PAYERS)

    def name(self) -> str:
        return self.draw.choice(("O'NEIL", "SMITH-JONES", "CLM", "HL 3", "IEA", "ST. JOHN"))

    def zip_code(self) -> str:
        return self.draw.choice(("21216", "212160000", "20901"))

    def born(self) -> str:
        return f"{self.draw.randint(1930, 2024)}{self.draw.randint(1, 12):02d}{self.draw.randint(1, 28):02d}"

    def claim(self, subscriber_order: str) -> list[str]:
        self.claims += 1
        draw = self.draw
        charges = [draw.choice(("4800", "913.27", "388.1", "0.5", "12000.00")) for _ in range(draw.randint(1, 6))]
        first, last = sorted((self.day(), self.day()))
        facility, frequency = draw.choice(("11", "11", "11", "12", "13")), draw.choice("11112345780")
        account, total = f"{draw.choice('AZ9')}{self.claims:06d}", f"{sum(map(float, charges)):.2f}"
        lines = [f"CLM*{account}*{total}***{facility}:A:{frequency}**A*Y*Y"]
        lines += ["DTP*096*TM*1100"] if self.often(0.7) else []
        lines += [f"DTP*434*RD8*{first}-{last}", draw.choice((f"DTP*435*DT*{first}0815", f"DTP*435*D8*{first}"))]
        lines += [f"CL1*{draw.choice('123459')}*{draw.choice('124568D')}*{draw.choice(('01', '03', '20', '30'))}"]
        lines += ["REF*EA*MRN000000"] if self.often(0.5) else []
        lines += ["NTE*ADD*NM1 71 CLM"] if self.often(0.2) else []
        lines += [f"HI*ABK:{draw.choice(_DIAGNOSES)}{draw.choice((':::::::Y', ''))}", "HI*ABJ:M1611"]
        for _ in range(draw.randint(0, 2)):
            flags = [draw.choice((":::::::N", ":::::::Y", "")) for _ in range(draw.randint(1, 12))]
            items = [f"ABF:{draw.choice(_DIAGNOSES)}{flag}" for flag in flags]
            lines += [f"HI*{'*'.join(items)}"]
        lines += ["HI*DR:470"] if self.often(0.3) else []
        if self.often(0.6):
            lines += [f"HI*BBR:{draw.choice(_PROCEDURES)}:D8:{self.day()}"]
            others = [f"BBQ:{draw.choice(_PROCEDURES)}:D8:{self.day()}" for _ in range(draw.randint(0, 4))]
            lines += [f"HI*{'*'.join(others)}"] if others else []
        lines += ["HI*BE:80:::3"] if self.often(0.3) else []
        lines += self.people()
        primary = subscriber_order != "P"
        for _ in range(draw.randint(int(primary), 2)):
            lines += self.other_payer("P" if primary else "S")
            primary = False
        for number, charge in enumerate(charges, start=1):
            lines += self.line(number, charge)
        return lines

    def people(self) -> list[str]:
        lines: list[str] = []
        if self.often(0.8):
            lines += [f"NM1*71*1*ATTENDING*ANN****XX*{self.npi()}" if self.often(0.9) else "NM1*71*1*ATTENDING*ANN"]
            lines += ["PRV*AT*PXC*207X00000X"] if self.often(0.5) else []
            lines += ["REF*1G*B99937"] if self.often(0.3) else []
        lines += [f"NM1*72*1*OPERATING*OLA****XX*{self.npi()}"] if self.often(0.6) else []
        lines += [f"NM1*82*1*RENDERING*REX****XX*{self.npi()}"] if self.often(0.2) else []
        if self.often(0.2):
            lines += [f"NM1*77*2*ANNEX*****XX*{self.npi()}", "N3*5 ANNEX ROAD", "N4*FARAWAY*VA*220000000"]
        return lines

    def other_payer(self, order: str) -> list[str]:
        lines = [f"SBR*{order}*18*******{self.payer()}", "OI***Y***Y", "NM1*IL*1*OTHER*PERSON****MI*999"]
        lines += ["N3*2 OAK STREET", "N4*NOWHERE*PA*17111"] if self.often(0.5) else []
        lines += ["NM1*PR*2*OTHER PAYER*****PI*777"]
        lines += ["NM1*71*1", "REF*G2*ABC"] if self.often(0.6) else []
        lines += ["NM1*72*1", "REF*G2*DEF"] if self.often(0.6) else []
        return lines

    def line(self, number: int, charge: str) -> list[str]:
        draw = self.draw
        code = draw.choice(("0120", "0250", "0278", "0360", "0450"))
        lines = [f"LX*{number}", f"SV2*{code}**{charge}*UN*{draw.choice(('1', '42', '3'))}"]
        lines += [draw.choice((f"DTP*472*D8*{self.day()}", ""))] if self.often(0.8) else []
        lines += ["REF*6R*LINE1"] if self.often(0.2) else []
        lines += [f"NM1*72*1*LINE*LEVEL****XX*{self.npi()}"] if self.often(0.15) else []
        return [segment for segment in lines if segment]


def files(claims: int, a_file: int = 20) -> Iterator[tuple[int, str]]:
    """Seeds and files with at least ``claims`` claims in total."""
    for seed in range((claims + a_file - 1) // a_file):
        yield seed, generated_file(seed, a_file)
