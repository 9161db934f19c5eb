"""Invented quarters of Texas's inpatient public use data file, in the published layout and both published forms.

Belongs here: the content of the records, with the quirks of the published ones (cells marked invalid, physicians
withheld or not matched, pooled hospitals, late discharges, credits). Does not belong here: the layout
(``contracts/data/texas_pudf.yaml``). Files can have any size: the engine writes them, and no row passes through Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import duckdb

from hcip_pipeline.contracts.public_layouts import RecordLayout, read_layouts
from hcip_pipeline.periods import Quarter

Form = Literal["fixed", "tab"]

#: APR-DRG, MDC, weight in dollars of charges, surgical; 560 and 640 are deliveries and newborns, 955 is not a group.
_GROUPS = (
    ("0301", "08", 42000), ("0302", "08", 45000), ("0194", "05", 21000), ("0139", "04", 19000), ("0720", "18", 33000),
    ("0175", "05", 61000), ("0263", "07", 38000), ("0045", "01", 27000), ("0560", "14", 11000), ("0640", "15", 6000),
    ("0751", "19", 12000), ("0955", "00", 15000),
)  # fmt: skip
#: Revenue codes of a stay's lines, in this order, with their share of its charges in thousandths.
_LINES = (
    ("0120", 260), ("0250", 90), ("0270", 60), ("0278", 120), ("0300", 80), ("0320", 40), ("0360", 140), ("0370", 30),
    ("0410", 20), ("0420", 20), ("0450", 50), ("0636", 40), ("0710", 20), ("0730", 10), ("0200", 90), ("0305", 30),
    ("0352", 40), ("0258", 30), ("0260", 25), ("0390", 20),
)  # fmt: skip
_SUPPRESSED, _UNMATCHED = "9999999998", "9999999999"
#: The publisher's name of each table, for file names.
_NAMES = {"base1": "base1", "base2": "base2", "charges": "charges", "facility": "facility"}


def write_texas_pudf(
    folder: Path,
    quarters: Sequence[Quarter],
    *,
    discharges: int = 2_000,
    hospitals: int = 8,
    form: Form = "fixed",
    seed: int = 2019,
) -> tuple[Path, ...]:
    """Write base 1, base 2, charges and facility of every quarter; the same arguments give the same bytes.

    Args:
        folder: created if absent.
        discharges: per quarter; each has 19 charge lines on average.
        hospitals: not counting the pooled ones.
        form: fixed width, or tab-delimited with a header and a tab at the end of every row.

    Returns:
        The files, by quarter.
    """
    folder.mkdir(parents=True, exist_ok=True)
    layouts = {table: found[0] for table, found in read_layouts("texas_pudf").items()}
    written = []
    with duckdb.connect(config={"temp_directory": str(folder / ".spill")}) as database:
        for order, quarter in enumerate(quarters):
            _invent(database, quarter, seed + order, discharges, hospitals)
            for table, rows in _ROWS.items():
                ending = "_tab" if form == "tab" else ""
                path = folder / f"PUDF_{_NAMES[table]}_{quarter.number}q{quarter.year}{ending}.txt"
                _write(database, path, layouts[table], rows, form)
                written.append(path)
    return tuple(written)


def _chance(*of: object, out_of: int = 1000) -> str:
    """SQL for a whole number below ``out_of`` that looks random and depends only on the seed and on ``of``."""
    return f"cast({_mixed('seed', *of)} % {out_of} as bigint)"


def _mixed(*of: object) -> str:
    """SQL for a hash; the engine's own, over several values, differs by a constant if only the last value differs."""
    return f"hash(hash({', '.join(str(each) for each in of)}))"


def _invent(database: duckdb.DuckDBPyConnection, quarter: Quarter, seed: int, discharges: int, hospitals: int) -> None:
    """Make the tables ``stays``, ``lines`` and ``places`` (hospitals) of a quarter."""
    groups = ", ".join(f"('{drg}', '{mdc}', {weight})" for drg, mdc, weight in _GROUPS)
    lines = ", ".join(f"({place}, '{code}', {part})" for place, (code, part) in enumerate(_LINES))
    before = quarter.year - 1 if quarter.number == 1 else quarter.year
    late = f"{before}Q{(quarter.number + 2) % 4 + 1}"
    pooled = f"case when {_chance('i', 1)} < 4 then '999998' when {_chance('i', 1)} < 6 then '999999' end"
    database.execute(
        f"""
        create or replace table groups as
        select row_number() over () - 1 as place, * from (values {groups}) as t(drg, mdc, weight);
        create or replace table line_kinds as from (values {lines}) as t(place, code, part);
        create or replace table places as
        select lpad(cast(1000 + 7 * h as varchar), 6, '0') as thcic_id, 'INVENTED HOSPITAL ' || (h + 1) as name,
               case when h % 7 = 6 then '' else 'A' end as acute, h
        from range({hospitals}) as t(h);
        create or replace table stays as
        select i, drawn.*, groups.*,
               '1' || '{quarter.year}{quarter.number}' || lpad(cast(i as varchar), 6, '0') as record_id,
               coalesce({pooled}, places.thcic_id) as thcic_id,
               case when {_chance("i", 2)} < 5 then '{late}' else '{quarter}' end as discharge,
               case drg when '0955' then '0'
                   else cast(1 + {_chance("i", 3)} * {_chance("i", 4)} // 250001 as varchar) end as severity
        from (
            select i, {seed} as seed, {_mixed(seed, "i", "'h'")} % {hospitals} as of_place,
                   {_mixed(seed, "i", "'g'")} % {len(_GROUPS)} as of_group
            from range({discharges}) as t(i)
        ) as drawn
        inner join places on places.h = drawn.of_place
        inner join groups on groups.place = drawn.of_group;
        create or replace table lines as
        select stays.i, record_id, code,
               cast(weight * (1 + cast(severity as integer)) * part // 3000.0 * (700 + {_chance("i", 5, out_of=900)})
                    * (900 + 20 * (of_place % 10)) / 1000000.0 * (800 + {_chance("i", "line_kinds.place", out_of=400)})
                    / 1000.0 as decimal(14, 2)) as charge,
               1 + {_chance("i", "line_kinds.place", 1, out_of=9)} as units
        from stays cross join line_kinds
        where {_chance("i", "line_kinds.place", 2)} < 940
        union all
        select i, record_id, '0250', cast(-12.50 as decimal(14, 2)), -1 from stays where {_chance("i", 6)} < 20;
        create or replace table billed as select i, sum(charge) as charges from lines group by i
        """
    )


def _physician(role: str) -> str:
    return (
        f"case when {_chance('i', role)} < 12 then '{_SUPPRESSED}' when {_chance('i', role)} < 18 then '{_UNMATCHED}' "
        f"else lpad(cast(4000000000 + of_place * 1000 + {_chance('i', role, 2, out_of=9)} as varchar), 10, '0') end"
    )


def _amount(sql: str, width: int) -> str:
    return f"lpad(cast(cast({sql} as decimal(14, 2)) as varchar), {width}, ' ')"


_BASE1 = {
    "RECORD_ID": "record_id",
    "DISCHARGE": "discharge",
    "THCIC_ID": "thcic_id",
    "TYPE_OF_ADMISSION": (
        f"case when {_chance('i', 7)} < 3 then '`' else cast(1 + {_chance('i', 8, out_of=3)} as varchar) end"
    ),
    "SOURCE_OF_ADMISSION": "'1'",
    "PAT_STATE": "'TX'",
    "PAT_ZIP": (
        f"case when {_chance('i', 9)} < 30 then '`' else '78' || lpad(cast({_chance('i', 10)} as varchar), 3, '0') end"
    ),
    "PAT_STATUS": (
        f"case when {_chance('i', 11)} < 3 then '`' when {_chance('i', 11)} < 25 then '20' "
        f"when {_chance('i', 11)} < 35 then '07' when {_chance('i', 11)} < 60 then '02' else '01' end"
    ),
    "SEX_CODE": f"case when {_chance('i', 12)} < 20 then '' when {_chance('i', 12)} < 520 then 'F' else 'M' end",
    "LENGTH_OF_STAY": f"lpad(cast({_chance('i', 13, out_of=4)} + cast(severity as integer) as varchar), 4, '0')",
    "PAT_AGE": "'15'",
    "TYPE_OF_BILL": "'111'",
    "TOTAL_CHARGES": _amount("coalesce(charges, 0)", 12),
    "PRINC_DIAG_CODE": "'M1611'",
    "APR_MDC": "mdc",
    "APR_DRG": f"case when {_chance('i', 14)} < 3 then '`' else drg end",
    "RISK_MORTALITY": "severity",
    "ILLNESS_SEVERITY": "severity",
    "APR_GROUPER_VERSION_NBR": "'36'",
    "ATTENDING_PHYSICIAN_UNIF_ID": _physician("'a'"),
    "OPERATING_PHYSICIAN_UNIF_ID": (
        "case when drg in ('0301', '0302', '0175', '0263') then " + _physician("'o'") + " else '' end"
    ),
    "PROVIDER_NAME": "name",
}
_CHARGE_LINE = {
    "RECORD_ID": "record_id",
    "REVENUE_CODE": "code",
    "UNIT_MEASUREMENT_CODE": "'UN'",
    "UNITS_OF_SERVICE": "lpad(cast(units as varchar), 7, ' ')",
    "UNIT_RATE": _amount("0", 12),
    "CHRGS_LINE_ITEM": _amount("charge", 14),
    "CHRGS_NON_COV": _amount("0", 14),
}
_FACILITY = {"THCIC_ID": "thcic_id", "PROVIDER_NAME": "name", "FAC_ACUTE_CARE_IND": "acute", "CERT_STATUS": "'0'"}

#: Table -> field -> SQL, and the rows it is evaluated over; other fields are blank.
_ROWS: Mapping[str, tuple[dict[str, str], str]] = {
    "base1": (
        _BASE1,
        "(select stays.*, charges, name from stays left join billed using (i) "
        "left join places on of_place = h order by stays.i)",
    ),
    "base2": ({"RECORD_ID": "record_id"}, "(from stays order by i)"),
    "charges": (_CHARGE_LINE, "(from lines order by i, code, charge)"),
    "facility": (_FACILITY, "(from places order by thcic_id)"),
}


def _write(
    database: duckdb.DuckDBPyConnection, path: Path, layout: RecordLayout, rows: tuple[dict[str, str], str], form: Form
) -> None:
    cells, source = rows
    unknown = set(cells) - {field.name for field in layout.fields}
    if unknown:
        raise ValueError(f"not in the layout: {', '.join(sorted(unknown))}")
    blanks = 0
    parts: list[str] = []
    for field in layout.fields:
        cell = cells.get(field.name)
        if form == "tab":
            parts.append(f"trim({cell}) || chr(9)" if cell else "chr(9)")
        elif cell:
            if blanks:
                parts.append(f"repeat(' ', {blanks})")
            parts.append(f"rpad({cell}, {field.width}, ' ')")
            blanks = 0
        else:
            blanks += field.width
    if blanks:
        parts.append(f"repeat(' ', {blanks})")
    line = " || ".join(parts)
    header = "'" + "".join(f"{field.name}\t" for field in layout.fields) + "'"
    first = f"select {header} as line union all " if form == "tab" else ""
    database.execute(
        f"copy ({first}select {line} as line from {source}) to '{str(path).replace(chr(39), chr(39) * 2)}' "
        "(format csv, header false, quote '', escape '', delimiter '\x01')"
    )
