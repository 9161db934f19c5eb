"""Each fault of a BCDA export is reported in one line, and nothing from the export is ingested."""

from __future__ import annotations

import copy
import gzip
import json
from decimal import Decimal

import polars as pl
import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf import files_in_force, receipts
from hcip_pipeline.intake.claims.months import check_claims, ingest_claims
from hcip_pipeline.rules.bcda import RULES
from tests.bcda_exports import covered, lines, person, stay, valid_export, write_export

EOB = "ExplanationOfBenefit"


def _changed(**keys: object) -> bytes:
    return lines(stay() | keys)


def _bundle() -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": stay()}]}).encode()


def _second_line(content: bytes) -> bytes:
    return lines(stay()) + content


def _v1_patient() -> dict[str, object]:
    old = person()
    old["meta"] = {"lastUpdated": "2021-08-17T13:43:00.037-04:00"}
    return old


def _unadjusted() -> dict[str, object]:
    old = stay()
    old["supportingInfo"] = old["supportingInfo"][1:]
    return old


def _without_claim_id() -> dict[str, object]:
    old = stay()
    old["identifier"] = old["identifier"][1:]
    return old


def _with_amount(text: str) -> bytes:
    return lines(stay()).replace(b'"value":1234.5', b'"value":' + text.encode())


def _with_period(**period: str) -> bytes:
    return _changed(billablePeriod=period)


def _with_items(*changes: dict[str, object]) -> bytes:
    """A claim with one line per change to its line; a sequence of None is left out."""
    claim = stay()
    items = [claim["item"][0] | change for change in changes]
    return lines(claim | {"item": [{k: v for k, v in item.items() if v is not None} for item in items]})


def _with_physicians(*sequences: int) -> bytes:
    claim = stay()
    (one,) = claim["careTeam"]
    team = [copy.deepcopy(one) | {"sequence": sequence} for sequence in sequences]
    for number, member in enumerate(team):
        member["provider"]["identifier"]["value"] = f"100000001{number}"
        member["role"]["coding"][0]["code"] = "rendering"
    claim["type"]["coding"][1]["code"] = "71"
    return lines(claim | {"careTeam": team})


def _with_another(*path: str, **changed: object) -> bytes:
    """A physician's claim in which an entry occurs twice, the second time changed.

    Args:
        path: path of the list: ``item`` and ``adjudication``, or an element of the claim.
        changed: changed elements of the entry.
    """
    claim = json.loads(_with_physicians(1))
    owner = claim
    for name in path[:-1]:
        owner = owner[name][0]
    owner[path[-1]].append(copy.deepcopy(owner[path[-1]][0]) | changed)
    return lines(claim)


def _adjusted(code: str) -> bytes:
    return lines(stay(adjustment=code))


def _adjusted_twice() -> bytes:
    claim, other = stay(), stay(adjustment="1")
    return lines(claim | {"supportingInfo": [*claim["supportingInfo"], *other["supportingInfo"]]})


def _rendered_twice() -> bytes:
    claim = json.loads(_with_physicians(1, 2))
    claim["item"][0]["careTeamSequence"] = [1, 2]
    return lines(claim)


def _of_profile(resource: dict[str, object], profile: str) -> bytes:
    return lines(resource | {"meta": dict(resource["meta"]) | {"profile": [profile]}})


def _spaced(content: bytes) -> bytes:
    return content.replace(b'"currency":', b'"currency" : ')


_ERROR_FILE = {"type": "OperationOutcome", "url": "x/1-error.ndjson"}
_PATIENT, _COVERAGE = ({"type": name, "url": f"x/{name}.ndjson"} for name in ("Patient", "Coverage"))
_OTHER = {"type": EOB, "url": "https://x/data/1/other.ndjson"}
_SEVEN = {"type": EOB, "url": f"x/{EOB}.ndjson", "count": 7}
_C4BB = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB"
_EUROS = lines(stay("2")).replace(b'"currency":"USD"', b'"currency":"EUR"', 1)
_TWICE = lines(stay()).replace(b'"payment":', b'"payment":{"amount":{"value":1}},"payment":')
_DEEP = b'{"resourceType":"ExplanationOfBenefit","id":' + b"[" * 90_000 + b"}\n"
FAULTS: list[tuple[str, str, int | None, dict[str, bytes], dict[str, object]]] = [
    # rule, file, line, files replaced, manifest changed
    ("BCDA-RESOURCE", f"{EOB}.ndjson", 2, {EOB: _second_line(lines(person()))}, {}),
    ("BCDA-TRUNCATED", f"{EOB}.ndjson", 2, {EOB: _second_line(lines(stay("2"))[:-400])}, {}),
    ("BCDA-TRUNCATED", f"{EOB}.ndjson", 2, {EOB: _second_line(lines(stay("2")).rsplit(b"}", 2)[0] + b"}")}, {}),
    ("BCDA-LINE", f"{EOB}.ndjson", 1, {EOB: lines(stay("2"))[:-400] + b"\n" + lines(stay())}, {}),
    ("BCDA-VERSION", "Patient.ndjson", 1, {"Patient": lines(_v1_patient())}, {}),
    ("BCDA-VERSION", f"{EOB}.ndjson", None, {EOB: lines(_unadjusted())}, {}),
    ("BCDA-VERSION", "manifest.json", None, {}, {"request": "https://api.bcda.cms.gov/api/v2/Group/all/$export"}),
    ("BCDA-NO-CLAIM-ID", f"{EOB}.ndjson", 1, {EOB: lines(_without_claim_id())}, {}),
    ("BCDA-EXPONENT", f"{EOB}.ndjson", 1, {EOB: _with_amount("1.2345E+03")}, {}),
    ("BCDA-EXPONENT", f"{EOB}.ndjson", 1, {EOB: _with_amount("12e2")}, {}),
    ("BCDA-BUNDLE", f"{EOB}.ndjson", None, {EOB: _bundle()}, {}),
    ("BCDA-NOT-NDJSON", f"{EOB}.ndjson", 1, {EOB: json.dumps(stay(), indent=1).encode()}, {}),
    ("BCDA-NOT-NDJSON", f"{EOB}.ndjson", 1, {EOB: json.dumps([stay()]).encode()}, {}),
    ("BCDA-FILE-MISSING", "manifest.json", None, {}, {"output": [_OTHER, _OTHER]}),
    ("BCDA-FILE-NOT-LISTED", f"{EOB}.ndjson", None, {}, {"output": [_PATIENT, _COVERAGE]}),
    ("BCDA-JOB-ERRORS", "manifest.json", None, {}, {"error": [_ERROR_FILE]}),
    ("BCDA-JOB-ERRORS", "manifest.json", None, {"1-error": lines({"resourceType": "OperationOutcome"})}, {}),
    ("BCDA-JOB-ERRORS", f"{EOB}.ndjson", 1, {EOB: lines({"resourceType": "OperationOutcome", "issue": []})}, {}),
    ("BCDA-COUNT", f"{EOB}.ndjson", None, {}, {"output": [_PATIENT, _COVERAGE, _SEVEN]}),
    ("BCDA-MANIFEST", "manifest.json", None, {}, {"transactionTime": "yesterday"}),
    ("BCDA-MANIFEST", "manifest.json", None, {}, {"output": None}),
    ("BCDA-OTHER-MONTH", "manifest.json", None, {}, {"transactionTime": "2025-05-15T01:00:00Z"}),
    ("BCDA-PATIENT-UNKNOWN", f"{EOB}.ndjson", 2, {EOB: _second_line(lines(stay("2", who="12")))}, {}),
    ("BCDA-CURRENCY", f"{EOB}.ndjson", 2, {EOB: _second_line(_EUROS)}, {}),
    ("BCDA-CURRENCY", f"{EOB}.ndjson", 1, {EOB: _spaced(_EUROS)}, {}),
    ("BCDA-MODIFIER", f"{EOB}.ndjson", 1, {EOB: _changed(modifierExtension=[{"url": "x", "valueCode": "not"}])}, {}),
    ("BCDA-MODIFIER", f"{EOB}.ndjson", 1, {EOB: _with_items({"modifierExtension": [{"url": "x"}]})}, {}),
    ("BCDA-VALUE", f"{EOB}.ndjson", 1, {EOB: _with_period(start="2025-13-03", end="2025-13-09")}, {}),
    ("BCDA-VALUE", f"{EOB}.ndjson", 1, {EOB: _with_period(start="2025-01", end="2025-02")}, {}),
    ("BCDA-VALUE", f"{EOB}.ndjson", 1, {EOB: _with_period(start="2025-01-03?", end="2025-01-09")}, {}),
    ("BCDA-PERIOD", f"{EOB}.ndjson", 1, {EOB: _with_period(start="2025-01-09", end="2025-01-03")}, {}),
    ("BCDA-PERIOD", f"{EOB}.ndjson", 1, {EOB: _with_period(start="2025-01-09")}, {}),
    ("BCDA-PERIOD", f"{EOB}.ndjson", 1, {EOB: _with_period()}, {}),
    ("BCDA-SEQUENCE", f"{EOB}.ndjson", 1, {EOB: _with_items({}, {"servicedDate": "2025-01-04"})}, {}),
    ("BCDA-SEQUENCE", f"{EOB}.ndjson", 2, {EOB: _second_line(_with_items({"sequence": None}))}, {}),
    ("BCDA-SEQUENCE", f"{EOB}.ndjson", 1, {EOB: _with_physicians(1, 1)}, {}),
    ("BCDA-REPEATED", f"{EOB}.ndjson", 1, {EOB: _with_another("identifier", value="2000000000002")}, {}),
    ("BCDA-REPEATED", f"{EOB}.ndjson", 1, {EOB: _with_another("item", "adjudication", amount={"value": 1})}, {}),
    ("BCDA-REPEATED", f"{EOB}.ndjson", 2, {EOB: _second_line(_adjusted_twice())}, {}),
    ("BCDA-REPEATED", f"{EOB}.ndjson", 1, {EOB: _rendered_twice()}, {}),
    ("BCDA-ADJUSTMENT", f"{EOB}.ndjson", 1, {EOB: _adjusted("9")}, {}),
    ("BCDA-ADJUSTMENT", f"{EOB}.ndjson", 2, {EOB: _second_line(_adjusted("3"))}, {}),
    ("BCDA-VERSIONS", f"{EOB}.ndjson", 2, {EOB: _second_line(lines(stay(paid="9.00")))}, {}),
    ("BCDA-VERSIONS", "Patient.ndjson", 2, {"Patient": lines(person(), person(bene_mbi_id="1EG4TE5MK99"))}, {}),
    ("BCDA-VERSIONS", "Coverage.ndjson", 2, {"Coverage": lines(covered(), covered() | {"status": "draft"})}, {}),
    ("BCDA-VERSION", f"{EOB}.ndjson", 2, {EOB: _second_line(_of_profile(stay("2"), f"{_C4BB}-{EOB}-Pharmacy"))}, {}),
    ("BCDA-VERSION", "Coverage.ndjson", 1, {"Coverage": _of_profile(covered(), f"{_C4BB}-Coverage")}, {}),
    ("BCDA-VALUE", f"{EOB}.ndjson", 1, {EOB: _with_amount('"12,50"')}, {}),
    ("BCDA-VALUE", f"{EOB}.ndjson", 1, {EOB: _with_amount("12345678901234567890")}, {}),
    ("BCDA-LINE", f"{EOB}.ndjson", 1, {EOB: _changed(payment=[{"amount": {"value": 1}}])}, {}),
    ("BCDA-LINE", f"{EOB}.ndjson", 1, {EOB: _TWICE}, {}),
    ("BCDA-LINE", f"{EOB}.ndjson", 2, {EOB: _second_line(_DEEP)}, {}),
    ("BCDA-NUL", f"{EOB}.ndjson", 1, {EOB: lines(stay()).replace(b'"A1"', b'"A\\u0000"')}, {}),
    ("BCDA-NUL", f"{EOB}.ndjson", 1, {EOB: lines(stay()).replace(b'"A1"', b'"A\x00"')}, {}),
    ("BCDA-LINE-TOO-LONG", f"{EOB}.ndjson", 1, {EOB: b'{"a":"' + b"x" * (17 << 20) + b'"}\n'}, {}),
    ("BCDA-LINE", f"{EOB}.ndjson", 1, {EOB: lines(stay()).replace(b"210001", b"21000\xff")}, {}),
    ("BCDA-LINE", f"{EOB}.ndjson", 1, {EOB: b"claim,amount\n1,2\n"}, {}),
]  # fmt: skip


#: the first fault of each rule, which also tests the preflight
_FIRST = {rule: number for number, (rule, *_) in reversed(list(enumerate(FAULTS)))}


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[f"{i}-{f[0]}" for i, f in enumerate(FAULTS)])
def test_each_fault_has_its_message_and_nothing_is_ingested(tmp_path, number):
    rule, file, row, files, manifest = FAULTS[number]
    home = Home(tmp_path)
    folder = write_export(home.inbox / "cms" / "2025-04", valid_export(**files), **manifest)
    if "1-error" in files:  # the manifest does not list a file of errors among the outputs
        content = json.loads((folder / "manifest.json").read_text())
        content["output"] = [entry for entry in content["output"] if "error" not in entry["url"]]
        (folder / "manifest.json").write_text(json.dumps(content))
    (receipt,) = ingest_claims(home, "2025-04")
    assert (receipt.status, receipt.rule, receipt.file, receipt.row) == ("refused", rule, file, row), receipt
    assert receipt.shape == "BCDA v3"
    assert receipt.fix
    assert rule in RULES
    assert not files_in_force(home, "cclf1")
    assert not list(home.lake.rglob("*.parquet"))
    if number == _FIRST[rule] and rule != "BCDA-OTHER-MONTH":  # this rule applies only in a month's folder
        (checked,) = check_claims(folder)
        assert (checked.rule, checked.message) == (receipt.rule, receipt.message)


def test_a_compressed_file_is_read_unless_it_is_truncated_or_expands_too_far(tmp_path):
    good = valid_export()
    packed = {f"{name}.gz": gzip.compress(content) for name, content in good.items()}
    home = Home(tmp_path / "good")
    write_export(home.inbox / "cms" / "2025-04", packed)
    (receipt,) = ingest_claims(home, "2025-04")
    assert receipt.accepted, receipt
    blank = b" " * (1 << 20)
    for name, content, rule in (
        ("cut", packed[f"{EOB}.ndjson.gz"][:-20], "BCDA-DAMAGED"),
        (
            "bomb",
            gzip.compress(b'{"a":"' + blank + b'"}\n' + (blank + b"\n") * 200),
            "BCDA-EXPANSION",
        ),
    ):
        folder = write_export(tmp_path / name, packed | {f"{EOB}.ndjson.gz": content})
        (receipt,) = check_claims(folder)
        assert (receipt.rule, receipt.file) == (rule, f"{EOB}.ndjson.gz"), receipt


def test_an_export_without_a_manifest_or_with_two_is_refused(tmp_path):
    folder = write_export(tmp_path / "export", valid_export())
    (folder / "copy.json").write_bytes((folder / "manifest.json").read_bytes())
    assert [r.rule for r in check_claims(folder)] == ["BCDA-NO-MANIFEST"]
    for name in ("copy.json", "manifest.json"):
        (folder / name).unlink()
    assert [r.rule for r in check_claims(folder)] == ["BCDA-NO-MANIFEST"]


def test_links_are_not_followed(tmp_path):
    home = Home(tmp_path)
    folder = write_export(home.inbox / "cms" / "2025-04", valid_export())
    (folder / "more.ndjson").symlink_to("/etc/passwd")
    found = sorted((r.status, r.rule) for r in ingest_claims(home, "2025-04"))
    assert found == [("accepted", ""), ("refused", "BCDA-LINK")]


def test_an_export_is_ingested_once_and_never_changed(tmp_path):
    home = Home(tmp_path)
    folder = write_export(home.inbox / "cms" / "2025-04", valid_export())
    first = ingest_claims(home, "2025-04")
    assert ingest_claims(home, "2025-04") == first
    assert [receipt.as_dict() for receipt in receipts(home)] == [first[0].as_dict()]
    (folder / f"{EOB}.ndjson").write_bytes(lines(stay(paid="9.00")))
    (changed,) = ingest_claims(home, "2025-04")
    assert changed.rule == "BCDA-CHANGED"
    assert pl.read_parquet(files_in_force(home, "cclf1"))["clm_pmt_amt"].to_list() == [Decimal("1234.50")]


def test_claims_that_are_not_adjudicated_are_counted_and_not_ingested(tmp_path):
    shared, partial, other = stay("2"), stay("3"), stay("4")
    shared["meta"]["tag"][0]["code"] = "SharedSystem"
    partial["outcome"] = "partial"
    other["type"]["coding"][1]["code"] = "4011"
    home = Home(tmp_path)
    write_export(
        home.inbox / "cms" / "2025-04", valid_export(ExplanationOfBenefit=lines(stay(), shared, partial, other))
    )
    (receipt,) = ingest_claims(home, "2025-04")
    assert receipt.accepted
    (claims,) = [each for each in receipt.resources if each.resource == EOB]
    assert (claims.lines, claims.read, claims.not_adjudicated, claims.other_claims) == (4, 1, 2, 1)
    assert {warning.rule for warning in receipt.warnings} >= {"BCDA-NOT-ADJUDICATED", "BCDA-CLAIM-TYPE"}
    assert pl.read_parquet(files_in_force(home, "cclf1"))["cur_clm_uniq_id"].to_list() == ["1000000000001"]


def _version(day: int, paid: object, number: str = "1000000000001") -> dict[str, object]:
    claim = stay(number, paid=paid)
    return claim | {"meta": claim["meta"] | {"lastUpdated": f"2025-04-{day}T08:00:00-04:00"}}


@pytest.mark.parametrize(
    "order", [("old", "new", "other"), ("new", "old", "other"), ("new", "other", "old"), ("old", "new", "old", "new")]
)
@pytest.mark.parametrize("in_files", [1, 2])
def test_the_newest_of_several_versions_of_a_claim_counts(tmp_path, order, in_files):
    claims = {"old": _version(10, "1000000.00"), "new": _version(15, "12.34"), "other": stay("2", paid="5.00")}
    home = Home(tmp_path)
    content = [lines(claims[each]) for each in order]
    half = len(content) // in_files
    files = {EOB: b"".join(content[:half])} | ({f"{EOB}.2": b"".join(content[half:])} if in_files == 2 else {})
    write_export(home.inbox / "cms" / "2025-04", valid_export(**files))
    (receipt,) = ingest_claims(home, "2025-04")
    assert receipt.accepted, receipt
    reported = [each for each in receipt.resources if each.resource == EOB]
    assert sum(each.superseded for each in reported) == len(order) - len(set(order) - {"old"})
    assert all(each.lines == each.read + each.superseded for each in reported)
    kept = pl.read_parquet(files_in_force(home, "cclf1")).select("cur_clm_uniq_id", "clm_pmt_amt").unique()
    assert sorted(kept.rows()) == sorted(
        [("1000000000001", Decimal("12.34"))] + ([("2", Decimal("5.00"))] if "other" in order else [])
    )
    lines_kept = pl.read_parquet(files_in_force(home, "cclf2"))
    assert lines_kept.height == len(set(order) - {"old"})
    assert sum(file.records_read for file in receipt.files if file.table == "cclf2") == lines_kept.height


def test_amounts_codes_and_numbers_are_read_as_they_are_written(tmp_path):
    claim = stay(adjustment="01")
    claim["careTeam"] += copy.deepcopy(claim["careTeam"])  # a repeated entry counts once
    claim["careTeam"].append(copy.deepcopy(claim["careTeam"][0]))
    claim["careTeam"][-1]["role"]["coding"][0]["code"] = "operating"
    claim["careTeam"][-1]["provider"]["identifier"]["value"] = "0000000000"
    content = lines(claim).replace(b'"value":1234.5', b'"value":98765432.15')
    home = Home(tmp_path)
    write_export(
        home.inbox / "cms" / "2025-04",
        valid_export(ExplanationOfBenefit=b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") + b"\n"),
    )
    (receipt,) = ingest_claims(home, "2025-04")
    assert receipt.accepted, receipt
    (row,) = pl.read_parquet(files_in_force(home, "cclf1")).to_dicts()
    assert str(row["clm_pmt_amt"]) == "98765432.15"
    assert (row["clm_adjsmt_type_cd"], row["clm_atndg_prvdr_npi_num"]) == ("1", "1000000012")
    assert row["clm_oprtg_prvdr_npi_num"] is None
    (line,) = pl.read_parquet(files_in_force(home, "cclf2")).to_dicts()
    assert str(line["clm_line_cvrd_pd_amt"]) == "98765432.15"
    assert row["bene_mbi_id"] == "1EG4TE5MK73"


def test_an_export_since_a_date_finds_its_patients_in_earlier_ones(tmp_path):
    home = Home(tmp_path)
    write_export(home.inbox / "cms" / "2025-04", valid_export())
    since = "https://api.bcda.cms.gov/api/v3/Group/all/$export?_since=2025-04-15T01:00:00Z"
    later = {f"{EOB}.ndjson": lines(stay("5"))}
    folder = home.inbox / "cms" / "2025-05"
    write_export(folder, later, request=since, transactionTime="2025-05-15T01:00:00Z")
    (alone,) = check_claims(folder)
    assert alone.accepted
    assert "BCDA-PATIENT-ELSEWHERE" in {warning.rule for warning in alone.warnings}
    receipts_ = [*ingest_claims(home, "2025-04"), *ingest_claims(home, "2025-05")]
    assert all(receipt.accepted for receipt in receipts_), receipts_
    assert receipts_[1].archive == "BCDA.SINCE.D250515.T0100000"
    claims = pl.read_parquet(files_in_force(home, "cclf1"))
    assert claims["bene_mbi_id"].to_list() == ["1EG4TE5MK73"] * 2


def test_former_numbers_become_cross_references(tmp_path):
    who = person()
    former = {"value": "1EG4TE5MK72", "period": {"start": "2018-01-01", "end": "2024-12-31"}}
    who["identifier"].insert(0, copy.deepcopy(who["identifier"][0]) | former)
    home = Home(tmp_path)
    write_export(home.inbox / "cms" / "2025-04", valid_export(Patient=lines(who), Coverage=lines(covered())))
    (receipt,) = ingest_claims(home, "2025-04")
    assert receipt.accepted, receipt
    (link,) = pl.read_parquet(files_in_force(home, "cclf9")).to_dicts()
    assert (link["hicn_mbi_xref_ind"], link["prvs_num"], link["crnt_num"]) == ("M", "1EG4TE5MK72", "1EG4TE5MK73")
    assert pl.read_parquet(files_in_force(home, "cclf8"))["bene_mdcr_stus_cd"].to_list() == ["10"]


def test_a_whole_export_must_contain_the_patients_of_its_claims(tmp_path):
    """Earlier exports do not matter, so the preflight, which does not know them, has the same verdict."""
    home = Home(tmp_path)
    write_export(home.inbox / "cms" / "2025-03", valid_export(), transactionTime="2025-03-15T01:00:00Z")
    folder = write_export(home.inbox / "cms" / "2025-04", valid_export(Patient=lines(person("12"))))
    assert [receipt.status for receipt in ingest_claims(home, "2025-03")] == ["accepted"]
    assert [receipt.rule for receipt in ingest_claims(home, "2025-04")] == ["BCDA-PATIENT-UNKNOWN"]
    assert [receipt.rule for receipt in check_claims(folder)] == ["BCDA-PATIENT-UNKNOWN"]
