"""Checks on the intake, from its receipts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from hcip_pipeline.tables.file_names import shown_unknown

if TYPE_CHECKING:
    from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
    from hcip_pipeline.intake.program.ingest import ProgramIntake
    from hcip_pipeline.intake.protocol.ingest import ProtocolFile


def rows_reconcile(asset: dg.AssetKey, receipts: "Sequence[SubmissionReceipt]") -> dg.AssetCheckResult:
    """Rows and dollars read = accepted + quarantined + superseded, in every file of every submission."""
    files = [(receipt, file) for receipt in receipts for file in receipt.files]
    lost = [
        f"{receipt.submission}/{shown_unknown(file.name)}"
        for receipt, file in files
        if not (file.rows.reconciles and file.dollars.reconciles)
    ]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="rows_reconcile",
        passed=not lost,
        metadata={"files": len(files), "files that do not reconcile": ", ".join(lost) or "none"},
    )


def submissions_accepted(asset: dg.AssetKey, receipts: "Sequence[SubmissionReceipt]") -> dg.AssetCheckResult:
    """No submission is refused."""
    refused = [receipt for receipt in receipts if receipt.status == "refused"]
    rules = Counter(problem.rule for receipt in refused for problem in receipt.refusals)
    return _accepted(asset, "submissions_accepted", (r.submission or r.stem for r in refused), rules)


def records_as_stated(asset: dg.AssetKey, receipts: "Sequence[ArchiveReceipt]") -> dg.AssetCheckResult:
    """In every file of every accepted archive, the number of records equals the control file's."""
    files = [file for receipt in receipts if receipt.accepted for file in receipt.files]
    wrong = [file.file for file in files if file.records_read != file.records_stated]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="records_as_stated",
        passed=not wrong,
        metadata={"files": len(files), "files that differ": ", ".join(wrong) or "none"},
    )


def archives_accepted(asset: dg.AssetKey, receipts: "Sequence[ArchiveReceipt]") -> dg.AssetCheckResult:
    """No archive is refused."""
    refused = [receipt for receipt in receipts if not receipt.accepted]
    return _accepted(asset, "archives_accepted", (r.archive for r in refused), Counter(r.rule for r in refused))


def program_files_in_force(asset: dg.AssetKey, program: "ProgramIntake") -> dg.AssetCheckResult:
    """Every refused program file has an earlier accepted version in force."""
    lacking = [receipt for receipt in program.refused if not receipt.in_force]
    first = [problem.message for receipt in lacking for problem in receipt.problems[:3]]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="files_in_force",
        passed=not lacking,
        description=("Correct the file in the inbox and re-execute from failure. " + "; ".join(first[:3]))
        if lacking
        else None,
        metadata={"refused, with nothing in force": ", ".join(receipt.file for receipt in lacking) or "none"},
    )


def program_files_accepted(asset: dg.AssetKey, program: "ProgramIntake") -> dg.AssetCheckResult:
    """No program file is refused."""
    rules = Counter({rule: count for receipt in program.refused for rule, count in receipt.rules_broken.items()})
    return _accepted(asset, "program_files_accepted", (receipt.file for receipt in program.refused), rules)


def protocols_accepted(asset: dg.AssetKey, protocols: "Sequence[ProtocolFile]") -> dg.AssetCheckResult:
    """No protocol is refused or breaks a rule of the program."""
    broken = [(file, problem) for file in protocols for problem in file.problems if problem.severity == "ERROR"]
    names = sorted({f"{file.ccn}/{file.year}" for file, _ in broken})
    return _accepted(asset, "protocols_accepted", names, Counter(problem.rule for _, problem in broken))


def _accepted(asset: dg.AssetKey, name: str, refused: Iterable[str], rules: Counter[str]) -> dg.AssetCheckResult:
    """A check that no file is refused. It only warns, because a refused file does not stop the others."""
    names = list(refused)
    why = ", ".join(f"{rule} {count} times" if count > 1 else rule for rule, count in sorted(rules.items()))
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=not names,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{', '.join(names[:5])}: {why}" if names else None,
        metadata={
            "refused": len(names),
            "which": ", ".join(names[:20]) or "none",
            "rules": dg.MetadataValue.json(dict(sorted(rules.items()))),
        },
    )
