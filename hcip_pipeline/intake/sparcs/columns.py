"""Column names and labels of New York's SPARCS de-identified discharge files, 2009 to today.

Belongs here: the published column names of every year, the labels that stand for codes, and finding a file's
columns from its header. Does not belong here: the edits (``edits``) and the reading (``reading``).
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import MAX_COLUMNS, SPARCS, NotReceivedError, bytes_in_words, open_file

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_LONGEST_HEADER = 100_000
_CHUNK = 1 << 20


@dataclass(frozen=True)
class SparcsColumn:
    """A column of the public file: the names it has had, as ``normalized``, and whether a study needs it."""

    name: str
    published: str
    spellings: tuple[str, ...]
    needed: bool = True


#: Names differ by year and by how a file was downloaded (portal export or API); the content does not.
COLUMNS = (
    SparcsColumn(
        "facility_id",
        "Facility Id",
        ("facility_id", "permanent_facility_id", "permanent_facility_identifier", "facility_identifier", "pfi"),
        needed=False,  # if no row has one, hospitals are identified by name
    ),
    SparcsColumn("facility_name", "Facility Name", ("facility_name", "hospital_name")),
    SparcsColumn("county", "Hospital County", ("hospital_county", "facility_county"), needed=False),
    SparcsColumn("gender", "Gender", ("gender", "sex"), needed=False),
    SparcsColumn(
        "zip_code", "Zip Code - 3 digits", ("zip_code_3_digits", "zip_code_3_digit", "zip_code"), needed=False
    ),
    SparcsColumn("length_of_stay", "Length of Stay", ("length_of_stay",)),
    SparcsColumn("admission_type", "Type of Admission", ("type_of_admission", "admission_type"), needed=False),
    SparcsColumn("disposition", "Patient Disposition", ("patient_disposition", "discharge_disposition")),
    SparcsColumn("discharge_year", "Discharge Year", ("discharge_year",)),
    SparcsColumn("apr_drg", "APR DRG Code", ("apr_drg_code", "apr_drg")),
    SparcsColumn("apr_drg_label", "APR DRG Description", ("apr_drg_description",), needed=False),
    SparcsColumn("mdc", "APR MDC Code", ("apr_mdc_code", "apr_mdc")),
    SparcsColumn("mdc_label", "APR MDC Description", ("apr_mdc_description",), needed=False),
    SparcsColumn("severity_code", "APR Severity of Illness Code", ("apr_severity_of_illness_code",), needed=False),
    SparcsColumn(
        "severity_word",
        "APR Severity of Illness Description",
        ("apr_severity_of_illness_description", "apr_severity_of_illness"),
        needed=False,
    ),
    SparcsColumn(
        "mortality",
        "APR Risk of Mortality",
        ("apr_risk_of_mortality", "apr_risk_of_mortality_description", "apr_risk_of_mortality_code"),
        needed=False,
    ),
    SparcsColumn(
        "drg_type",
        "APR Medical Surgical Description",
        ("apr_medical_surgical_description", "apr_medical_surgical", "apr_medical_surgical_code"),
    ),
    SparcsColumn(
        "attending",
        "Attending Provider License Number",
        ("attending_provider_license_number", "attending_provider_license", "attending_license_number"),
        needed=False,
    ),
    SparcsColumn(
        "operating",
        "Operating Provider License Number",
        ("operating_provider_license_number", "operating_provider_license", "operating_license_number"),
        needed=False,
    ),
    SparcsColumn("total_charges", "Total Charges", ("total_charges", "total_charge")),
    SparcsColumn("total_costs", "Total Costs", ("total_costs", "total_cost")),
)

#: Columns whose second spelling may be their label's name if the file has the first one too.
_CODES_WITH_LABELS = ("apr_drg", "mdc")

#: Published columns that a study does not use; any other name is reported.
UNUSED_COLUMNS = frozenset(
    (
        "abortion_edit_indicator", "admit_day_of_week", "age_group", "birth_weight", "ccs_diagnosis_code",
        "ccs_diagnosis_description", "ccs_procedure_code", "ccs_procedure_description", "ccsr_diagnosis_code",
        "ccsr_diagnosis_description", "ccsr_procedure_code", "ccsr_procedure_description", "discharge_day_of_week",
        "emergency_department_indicator", "ethnicity", "health_service_area", "hospital_service_area",
        "operating_certificate_number", "other_provider_license_number", "payment_typology_1", "payment_typology_2",
        "payment_typology_3", "race", "ratio_of_total_costs_to_total_charges", "source_of_payment_1",
        "source_of_payment_2", "source_of_payment_3",
    )
)  # fmt: skip

#: Printed label (letters and digits only) -> UB-04 patient status (inputs.md, "New York SPARCS").
DISPOSITIONS = {
    re.sub(r"[^a-z0-9]", "", label.lower()): code
    for label, code in (
        ("Home or Self Care", "01"),
        ("Short-term Hospital", "02"),
        ("Skilled Nursing Home", "03"),
        ("Facility w/ Custodial/Supportive Care", "04"),
        ("Cancer Center or Children's Hospital", "05"),
        ("Home w/ Home Health Services", "06"),
        ("Left Against Medical Advice", "07"),
        ("Expired", "20"),
        ("Court/Law Enforcement", "21"),
        ("Federal Health Care Facility", "43"),
        ("Hospice - Home", "50"),
        ("Hospice - Medical Facility", "51"),
        ("Hosp Basd Medicare Approved Swing Bed", "61"),
        ("Inpatient Rehabilitation Facility", "62"),
        ("Medicare Cert Long Term Care Hospital", "63"),
        ("Medicaid Cert Nursing Facility", "64"),
        ("Psychiatric Hospital or Unit of Hosp", "65"),
        ("Critical Access Hospital", "66"),
        ("Another Type Not Listed", "70"),
    )
}

#: APR severity of illness and risk of mortality, as word or as code.
SEVERITIES = {"minor": "1", "moderate": "2", "major": "3", "extreme": "4"} | {code: code for code in "1234"}

#: Medical or surgical, as word or as code, to the type of an APR-DRG.
DRG_TYPES = {"medical": "M", "m": "M", "surgical": "P", "procedural": "P", "s": "P", "p": "P"}

#: Type of admission, to the nature of admission of a hospital's abstract.
ADMISSION_TYPES = {
    "newborn": "2",
    "emergency": "3",
    "urgent": "4",
    "elective": "5",
    "trauma": "6",
    "not available": "9",
}


def normalized(name: str) -> str:
    """A column name in lower case, with each run of other characters replaced by one ``_``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


@dataclass(frozen=True)
class SparcsHeader:
    """A file's header line.

    Attributes:
        names: the columns in the file's spelling and order.
        positions: name of a ``SparcsColumn`` -> its position in the file, from 0; absent ones are left out.
        unknown: names in the file that no published year has.
        is_gzip: whether the file is compressed.
    """

    names: tuple[str, ...]
    positions: dict[str, int]
    unknown: tuple[str, ...]
    is_gzip: bool


def read_header(file: Path) -> SparcsHeader:
    """The columns of a SPARCS file.

    Raises:
        HcipError: the file does not exist, is empty, is named .gz but is not gzip, is not text, is not separated by
            commas, or lacks a column (the message has the accepted spellings) or repeats one.
    """
    is_gzip = _check_container(file)
    line = _first_line(file, is_gzip)
    if not line.strip():
        raise HcipError("is empty", file=file, fix="download the file again from the publisher")
    if len(line) >= _LONGEST_HEADER:
        raise HcipError("has a header line that is far too long", file=file, row=1, fix="use the file as published")
    try:
        names = tuple(name.strip() for name in next(csv.reader([line]), ()))
    except csv.Error as error:
        raise HcipError(
            "has a header that cannot be read", file=file, row=1, fix="use the file as published"
        ) from error
    if len(names) > MAX_COLUMNS:
        words = f"has {len(names):,} columns, more than {MAX_COLUMNS:,}"
        raise HcipError(words, file=file, row=1, fix="use the file as published")
    other = next((sign for sign in ("\t", ";", "|") if sign in line), None)
    if len(names) == 1 and other:
        raise HcipError(
            f"is separated by {other!r}, not by commas", file=file, row=1, fix="export the file as comma-separated CSV"
        )
    by_name: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        by_name.setdefault(normalized(name), []).append(position)
    positions: dict[str, int] = {}
    for column in COLUMNS:
        found = [position for spelling in column.spellings for position in by_name.get(spelling, [])]
        if column.name in _CODES_WITH_LABELS:  # the label may have the bare name, next to the column of the code
            found = by_name.get(column.spellings[0], found)
        if len(found) > 1:
            raise HcipError(
                f"has more than one column for '{column.published}': " + ", ".join(names[at] for at in found),
                file=file,
                row=1,
                fix="leave one of them in the file",
            )
        if found:
            positions[column.name] = found[0]
    _refuse_missing(file, positions)
    known = UNUSED_COLUMNS | {spelling for column in COLUMNS for spelling in column.spellings}
    unknown = tuple(name for name in names if normalized(name) not in known)
    return SparcsHeader(names, positions, unknown, is_gzip)


def utf8_copy(file: Path, is_gzip: bool, copy: Path) -> bool:
    """Copy a Windows-1252 file to ``copy`` as UTF-8; returns False, without writing, if the file is UTF-8 already."""
    if _decodes(file, is_gzip, "utf-8"):
        return False
    if not _decodes(file, is_gzip, "cp1252"):
        raise HcipError("is neither UTF-8 nor Windows-1252 text", file=file, fix="save the file as UTF-8 CSV")
    with open_file(file, SPARCS) as stream, copy.open("wb") as target:
        content = gzip.GzipFile(fileobj=stream) if is_gzip else stream
        while chunk := content.read(_CHUNK):
            target.write(chunk.decode("cp1252").encode())
    return True


def _decodes(file: Path, is_gzip: bool, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with open_file(file, SPARCS) as stream:
            content = gzip.GzipFile(fileobj=stream) if is_gzip else stream
            while chunk := content.read(_CHUNK):
                if not chunk.isascii() or decoder.getstate()[0]:
                    decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def check_size(file: Path, is_gzip: bool) -> None:
    """Check the size of a file before an engine unpacks it.

    Raises:
        HcipError: SPARCS-TOO-LARGE: more bytes or lines than the ceiling; or the gzip file is damaged.
    """
    most = SPARCS.max_unpacked(file.stat().st_size) if is_gzip else SPARCS.bytes
    size = lines = 0
    fix = "check that it is one year of one state's discharges"
    try:
        with open_file(file, SPARCS) as stream:
            content = gzip.GzipFile(fileobj=stream) if is_gzip else stream
            while chunk := content.read(_CHUNK):
                size += len(chunk)
                lines += chunk.count(b"\n")
                if size > most:
                    words = (
                        f"unpacks to more than {bytes_in_words(most)}" if is_gzip else f"is over {bytes_in_words(most)}"
                    )
                    raise HcipError(words, file=file, rule="SPARCS-TOO-LARGE", fix=fix)
                if lines > SPARCS.rows:
                    words = f"has more than {SPARCS.rows:,} lines"
                    raise HcipError(words, file=file, rule="SPARCS-TOO-LARGE", fix=fix)
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(file) from error


def _damaged(file: Path) -> HcipError:
    return HcipError("cannot be unpacked: the gzip file is damaged", file=file, fix="download the file again")


def _check_container(file: Path) -> bool:
    """Whether the file is gzip, by its first bytes."""
    with open_file(file, SPARCS) as stream:
        magic = stream.read(4)
    if magic == _ZIP_MAGIC:
        raise HcipError(
            "is a zip archive or a workbook, not a CSV", file=file, fix="unpack it, or export the sheet as CSV"
        )
    is_gzip = magic.startswith(_GZIP_MAGIC)
    if magic and file.suffix.lower() == ".gz" and not is_gzip:
        raise HcipError("is named .gz but is not a gzip file", file=file, fix="rename it to .csv or compress it")
    return is_gzip


def _first_line(file: Path, is_gzip: bool) -> str:
    try:
        with open_file(file, SPARCS) as stream:
            lines = gzip.GzipFile(fileobj=stream) if is_gzip else stream
            line = bytes(lines.readline(_LONGEST_HEADER))
        try:
            return line.decode("utf-8-sig")
        except UnicodeDecodeError:
            return line.decode("cp1252")
    except UnicodeDecodeError as error:
        raise HcipError(
            "is neither UTF-8 nor Windows-1252 text", file=file, row=1, fix="save the file as UTF-8 CSV"
        ) from error
    except NotReceivedError:
        raise
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(file) from error


def _refuse_missing(file: Path, positions: dict[str, int]) -> None:
    missing = [
        f"'{column.published}' (accepted: {', '.join(column.spellings)})"
        for column in COLUMNS
        if column.needed and column.name not in positions
    ]
    if "severity_code" not in positions and "severity_word" not in positions:
        spellings = [s for c in COLUMNS if c.name in ("severity_code", "severity_word") for s in c.spellings]
        missing.append(f"'APR Severity of Illness' (accepted: {', '.join(spellings)})")
    if missing:
        raise HcipError(
            f"is not a SPARCS discharge file: {'column' if len(missing) == 1 else 'columns'} missing: "
            + "; ".join(missing),
            file=file,
            row=1,
            rule="SPARCS-MISSING-COLUMN",
            fix="use a Hospital Inpatient Discharges (SPARCS De-Identified) file with its header line; names may be "
            "in any case, with blanks or underscores",
        )
