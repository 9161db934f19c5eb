"""``hcip init``: a new home, with files that say what goes where.

Belongs here: which files a new home has. Does not belong here: what a table or key means (``contracts``, ``policy``),
or the pages of the documentation.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.guides.examples import CONTROL_TOTALS, EXAMPLES
from hcip_pipeline.guides.inbox_files import (
    OWN_TABLES,
    InboxFile,
    bill_files,
    hospital_files,
    program_files,
    reference_files,
)
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod, base_year_window
from hcip_pipeline.policy.keys import PolicyKey, policy_keys

_DATA = Path(__file__).parent / "data"
_MARYLAND = "maryland"


@dataclass(frozen=True)
class NewHome:
    """A new home, its files (paths below ``home.root``, sorted) and what to do next."""

    home: Home
    files: tuple[str, ...]
    next_steps: tuple[str, ...]


def make_home(folder: Path, region: str, base_year: int) -> NewHome:
    """Write a new home for a region whose program begins with the half-year after ``base_year``.

    Args:
        folder: new or empty.
        region: name of the region; Maryland's hospitals and rates are shipped, any other region provides its own.

    Raises:
        HcipError: the folder is not empty.
        UsageError: the region's name or the year cannot be used.
    """
    region = region.strip()
    if not region.isprintable() or len(region) > 80:
        raise UsageError(
            "the region's name has more than 80 characters, or unprintable ones", fix="shorten or correct the name"
        )
    if not 2000 <= base_year <= 2099:
        raise UsageError(f"{base_year} is not a base year", fix="name a calendar year from 2000 to 2099")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HcipError("the folder is not empty", file=folder, fix="name a new folder; `hcip init` overwrites nothing")
    home = Home(folder.expanduser().resolve())
    period = PerformancePeriod(base_year + 1, 1)
    texts = dict(_files(region, base_year, period))
    for path, text in texts.items():
        target = home.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return NewHome(home, tuple(sorted(texts)), _next_steps(home, region, base_year, period))


def policy_text(version: str, base_year: int) -> str:
    """A policy file with every key, its meaning, default and bounds."""
    lines = [
        "# The region's policy, with every key. A key with a default may be left out; an unknown key is refused.",
        "# H: a hospital's protocol may elect another value within the bounds.",
        "",
    ]
    given = {"version": version, "base_year": str(base_year)}
    for key in policy_keys():
        lines += [*_comment(key), f"{key.name}: {given.get(key.name, key.default)}", ""]
    return "\n".join(lines)


def _comment(key: PolicyKey) -> list[str]:
    mark = " H" if key.is_election else ""
    limits = f"{key.type}: {key.bounds}" if key.bounds else key.type
    text = f"{key.section}{mark}. {key.meaning} ({limits[:1].upper()}{limits[1:]}.)"
    return textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _files(region: str, base_year: int, period: PerformancePeriod) -> Iterator[tuple[str, str]]:
    """Path below the home -> text."""
    is_maryland = region.lower() == _MARYLAND
    name = "-".join(word for word in "".join(c if c.isalnum() and c.isascii() else " " for c in region).split())
    yield "README.md", _home_readme(region, base_year, period)
    yield "inbox/policy.yaml", policy_text(f"{name or 'region'}-{base_year + 1}.1", base_year)
    yield "inbox/hospital/README.md", _hospital_readme(base_year)
    yield "inbox/cms/README.md", _CMS_README
    yield "inbox/program/README.md", _program_readme(period)
    yield "inbox/protocols/README.md", _protocols_readme(period)
    yield "inbox/reference/README.md", _reference_readme(is_maryland)
    for file in program_files():
        yield f"inbox/program/{period}/{file.name}", _header(file.table)
        yield f"templates/program/{file.name}", _header(file.table)
    for file in reference_files():
        if not is_maryland and file.table.name in OWN_TABLES:
            yield f"inbox/reference/{file.name}", _header(file.table)
        yield f"templates/reference/{file.name}", _header(file.table)
    for file in (*hospital_files(), *bill_files()):
        yield f"templates/hospital/{file.name}", _header(file.table)
    yield "templates/hospital/control_totals.json", CONTROL_TOTALS + "\n"
    yield "templates/protocol.yaml", protocol_example()


def protocol_example() -> str:
    """An implementation protocol that passes every check."""
    return (_DATA / "protocol.yaml").read_text(encoding="utf-8")


def _header(table: Table) -> str:
    return ",".join(table.names) + "\n"


def _example(table: Table) -> list[str]:
    row = EXAMPLES[table.name]
    cells = [row.get(name, "") for name in table.names]
    return ["    " + ",".join(table.names), "    " + ",".join(f'"{c}"' if "," in c else c for c in cells)]


def _file_lines(files: tuple[InboxFile, ...]) -> list[str]:
    lines = ["| file | when it is needed | due |", "|---|---|---|"]
    lines += [f"| `{file.name}` | {file.needed} | {file.due} |" for file in files]
    return lines


def _home_readme(region: str, base_year: int, period: PerformancePeriod) -> str:
    title = f"# The settlement home of {region}" if region else "# A settlement home"
    return "\n".join(
        (
            title,
            "",
            "Everything that a run reads and writes is in this folder. You put files into `inbox/`; everything else is",
            "generated. Each inbox folder has a README that says what goes there, by when, and under which name.",
            "",
            f"The first half-year, {period}, needs:",
            "",
            "1. `inbox/policy.yaml`: every key with its meaning, default and bounds. Check `version` and `base_year`.",
            "2. `inbox/reference/`: the region's hospitals and rates.",
            f"3. `inbox/hospital/`: every hospital's quarters of {base_year}, of {period}, and of the same "
            "half-year a year earlier.",
            "4. `inbox/protocols/<ccn>/<year>.yaml`: each hospital's protocol; begin with `templates/protocol.yaml`.",
            f"5. `inbox/program/{period}/`: the care partners and what is reported about them.",
            "6. `inbox/cms/`: Medicare's monthly claim files, if the region receives them.",
            "",
            "Then:",
            "",
            "    hcip check inbox/hospital/<quarter>/<ccn>     # what would be refused, row by row",
            "    hcip status --home .                          # what was received, is missing, due or late",
            f"    hcip run {period} --home .                       # ingest, build, check, release",
            "",
            "`templates/` contains the header of every file. No run reads it.",
            "",
        )
    )


def _hospital_readme(base_year: int) -> str:
    quarters = base_year_window(base_year).quarters
    lines = [
        "# Hospital submissions",
        "",
        "One folder per hospital and quarter, named by quarter and CMS certification number:",
        "",
        f"    hospital/{quarters[0]}/999001/discharges.csv",
        f"    hospital/{quarters[0]}/999001/charges.csv",
        f"    hospital/{quarters[0]}/999001/control_totals.json      optional",
        f"    hospital/{quarters[0]}/999001.r2/                      a correction: the whole submission again",
        "",
        "A correction goes next to the first version (`.r2`, `.r3`, …); the newest accepted one counts, all are kept.",
        "Files may be .csv, .csv.gz, .csv.zip, .xlsx or .parquet.",
        "Instead of discharges and charges: bills (X12 837 institutional: .837, .837i, .edi, .x12) and grouping.csv.",
        "",
        *_file_lines((*hospital_files(), *bill_files())),
        "",
        "`control_totals.json` has the totals that you counted; a submission that differs from them is refused:",
        "",
        f"    {CONTROL_TOTALS}",
        "",
        "Before you send it, run `hcip check` on the folder. It applies the intake's own rules and needs no home.",
        "",
    ]
    for file in (*hospital_files(), *bill_files()):
        lines += [f"Example row of `{file.name}`:", "", *_example(file.table), ""]
    return "\n".join(lines)


_CMS_README = """\
# Medicare claim files

One folder per month of delivery, such as `cms/2025-04/`, with the archive as CMS delivers it
(`P.A0000.ACO.ZCY25.D250415.T1234567`) or its files unzipped. A run-out archive (`ZCR`) goes into the month in which it
arrives.
Do not rename anything: the names and the control file (CCLF0) determine what must be there, and an archive that lacks
a file or a record is refused whole.

Due: by the end of the month after the one in its folder's name. Claims mature for 90 days before a half-year is
settled.

Instead of CCLF: an export of BCDA v3, `Patient.ndjson`, `Coverage.ndjson` and `ExplanationOfBenefit.ndjson` with the
response of the job's status request as `manifest.json`, each export in its own folder.

Without claims there is no estimate of fee-schedule amounts, and a payment without a cap notice is held
(`HELD_NO_PFS_CAP`). Before you rely on an archive, run `hcip check cms/2025-04`.
"""


def _program_readme(period: PerformancePeriod) -> str:
    lines = [
        "# Program files",
        "",
        f"One folder per half-year, `program/{period}/`, with one CSV file per table. The files of the first half-year",
        "are there with their headers; for later ones, copy `templates/program/`. A corrected file replaces the file",
        "of the same name, and every accepted version is kept. A file that breaks a rule is refused whole, the message",
        "names the row and column, and the earlier version stays in force.",
        "",
        *_file_lines(program_files()),
        "",
        "A completed survey form of a release (`survey_<ccn>_<period>.xlsx`) may be put here too.",
        "",
    ]
    for file in program_files():
        lines += [f"Example row of `{file.name}`:", "", *_example(file.table), ""]
    return "\n".join(lines)


def _protocols_readme(period: PerformancePeriod) -> str:
    return f"""\
# Implementation protocols

One file per hospital and year, `protocols/<ccn>/{period.year}.yaml`: a hospital's oversight committee, interventions,
conditions of payment and elections. Begin with `templates/protocol.yaml`, which passes every check; change the CCN,
the names and the periods. A protocol stays in force in later years until another replaces it.

Due: approved before the period begins. The weights of the conditions of payment total exactly 100 percent; if a
protocol is approved later or has other weights, the hospital's payments are held (`CONDITIONS_NOT_LOCKED`).
"""


def _reference_readme(is_maryland: bool) -> str:
    own = (
        "The shipped tables are Maryland's. To replace one, put a file of the same name here."
        if is_maryland
        else "The tables here have a header and no rows: fill `hospitals.csv` and `cost_factors.csv` before the first "
        "run,\nand fill or remove `networks.csv` and `excluded_individuals.csv`. Every other table is shipped; "
        "to replace\none, put a file of the same name here."
    )
    lines = [
        "# Reference tables",
        "",
        own,
        "A file replaces the whole table. A file that breaks a rule is refused, the message names the row and column,",
        "and the tables in force stay. The headers of all tables are in `templates/reference/`.",
        "",
        *_file_lines(reference_files()),
        "",
    ]
    for file in reference_files():
        lines += [f"Example row of `{file.name}`:", "", *_example(file.table), ""]
    return "\n".join(lines)


def _next_steps(home: Home, region: str, base_year: int, period: PerformancePeriod) -> tuple[str, ...]:
    own = () if region.lower() == _MARYLAND else ("fill inbox/reference/hospitals.csv and cost_factors.csv",)
    return (
        "read README.md, and check version and base_year in inbox/policy.yaml",
        *own,
        f"put each hospital's submissions of {base_year} and {period} into inbox/hospital/<quarter>/<ccn>/ "
        "and run `hcip check` on each",
        f"put a protocol into inbox/protocols/<ccn>/{period.year}.yaml (begin with templates/protocol.yaml)",
        f"fill inbox/program/{period}/care_partners.csv and the files with what is reported about them",
        f"hcip status --home {home.root}",
        f"hcip run {period} --home {home.root}",
    )
