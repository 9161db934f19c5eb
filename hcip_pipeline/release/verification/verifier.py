"""Runs all checks of a release, rule by rule and hospital by hospital.

Belongs here: the order of the checks. Does not belong here: a rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import partial
from pathlib import Path

from .cases import CellTotals, check_baseline, check_cases, check_own_cells, gated_cells
from .certainty import check_certainty
from .chain import check_chain, note_destroyed, note_privacy_rule, note_stale
from .claims import check_claims
from .conservation import Ledger, check_base_year, check_hospital_ledger, check_ledger
from .draws import DrawnCases
from .earlier import Earlier, read_earlier
from .exact import EXACT, ZERO
from .handed_on import check_handed_on
from .home_ledger import check_home_ledger, check_made_from
from .hospital import Hospital, check_elections, read_hospital
from .improvement import check_improvement
from .limits import check_limit
from .meetings import check_meeting
from .norms import Cell, Norm, Rates, cell_of, check_norms, check_rates
from .package import MANIFEST, Package
from .programs import Programs, check_exclusions_changed, check_programs
from .proofs import Proofs
from .report import Findings, VerificationReport
from .savings import check_participating, check_savings, check_scopes
from .screening import check_screening
from .signatures import check_signatures
from .tables import Row, Table, UnreadableTableError
from .terms import Terms, UnreadablePolicyError, read_terms
from .timestamps import check_timestamps
from .waterfall import check_final, check_steps
from .year_caps import YearCaps, check_waiting, check_year_caps

Progress = Callable[[str], None]


def verify_release(folder: Path, progress: Progress | None = None, proofs: Proofs | None = None) -> VerificationReport:
    """Recompute every payment of the release in ``folder`` from its own files, and check every file.

    Args:
        folder: ``releases/<period>/r<n>``. Earlier releases are read if they are next to it.
        progress: called with a description of each check before it starts.
        proofs: a kept head, trusted signers and limits of the check; None: the defaults.

    Raises:
        UnreadableReleaseError: there is no release to verify, or signatures cannot be checked on this machine.
    """
    proofs = proofs or Proofs()
    findings = Findings()
    package = Package(folder.resolve(), findings)
    report = progress or (lambda _: None)
    with localcontext(EXACT):
        report("files and hashes")
        package.check_files()
        note_destroyed(package, findings)
        note_privacy_rule(package.manifest, f"{package.period}/{package.manifest['number']}", findings)
        note_stale(package, findings)
        check_chain(package, proofs, findings)
        check_made_from(package, findings)
        check_home_ledger(package, proofs, findings)
        check_signatures(package, proofs, findings)
        check_timestamps(package, proofs, findings)
        terms = _policy(package, findings)
        if package.is_before_programs:
            made_by = package.manifest.get("code_version")
            findings.notes.append(f"every payment: to recompute it, use version {made_by}, which made the release")
        elif terms is not None:
            for check in (partial(_recompute, report=report, draws=proofs.draws), check_handed_on):
                try:
                    check(package, terms, findings)
                except UnreadableTableError as error:
                    findings.notes.append(f"rules that need a missing or unreadable table: {error}")
        package.check_other_tables()
    return VerificationReport(
        f"{package.period} {package.manifest['number']}",
        package.files,
        findings.tallies,
        tuple(findings.listed),
        tuple(findings.notes),
        tuple(sorted(findings.before_privacy_rule)),
        tuple(sorted(findings.before_hospital_readers)),
        tuple(findings.stale),
        tuple(findings.stamped),
    )


def _policy(package: Package, findings: Findings) -> Terms | None:
    """The terms of the policy in the manifest; None if they cannot be read."""
    manifest, fact = package.manifest, findings.fact
    fact("manifest", MANIFEST, "version", manifest["number"][1:], str(manifest.get("version")))
    fact("manifest", MANIFEST, "code_version", "a version", "a version" if manifest.get("code_version") else "")
    for item in manifest.get("inputs", ()):
        missing = [name for name in ("file", "sha256", "rows") if name not in item]
        fact("manifest", MANIFEST, "missing fields", [], missing, key=str(item.get("file")))
    policy = manifest.get("policy", {})
    text = str(policy.get("text"))
    fact("policy", MANIFEST, "sha256", hashlib.sha256(text.encode()).hexdigest(), policy.get("sha256"))
    try:
        terms = read_terms(text)
    except UnreadablePolicyError:
        findings.differ("policy", MANIFEST, "text", "a policy", "text that is not a policy")
        findings.notes.append("every figure: the policy cannot be read")
        return None
    fact("policy", MANIFEST, "version", terms.version, policy.get("version"))
    return terms


@dataclass(frozen=True)
class _Statewide:
    """Data that every hospital's checks use."""

    terms: Terms
    rates: Rates
    norms: Mapping[Cell, Norm]
    gated: set[tuple[str, Cell]]
    savings: Mapping[tuple[str, str], Row]
    limits: Mapping[str, Row]
    ledger: Ledger
    earlier: Earlier
    programs: Programs
    year_caps: YearCaps | None


def _recompute(package: Package, terms: Terms, findings: Findings, report: Progress, draws: int) -> None:
    report("norms")
    earlier = read_earlier(package, findings)
    programs = check_programs(package, earlier, terms, findings)
    held = check_screening(package, findings)
    rates = check_rates(package, terms, findings)
    norms = check_norms(package, terms, rates, findings)
    ledger = check_ledger(package, terms, findings)
    check_base_year(norms, ledger, findings)
    cells, gated = gated_cells(package, norms.in_force, terms, findings)
    savings = package.table("savings")
    limits = package.table("distribution_limits")
    state = _Statewide(
        terms,
        rates,
        norms.in_force,
        gated,
        {(row["hospital_ccn"], row["scope"]): row for row in savings},
        {row["hospital_ccn"]: row for row in limits},
        ledger,
        earlier,
        programs,
        check_year_caps(package, earlier, findings),
    )
    for table in (savings, limits):
        without_files = sorted({row["hospital_ccn"] for row in table} - set(package.hospitals))
        findings.fact("files", table.path, "hospitals without files of their own", [], without_files)
    own: CellTotals = {}
    partners: set[str] = set()
    incentives: list[Table] = []
    drawn = DrawnCases(terms, rates)
    for ccn in package.hospitals:
        report(f"hospital {ccn}")
        hospital = read_hospital(package, ccn, programs, held.get(ccn, {}))
        _check_hospital(hospital, state, findings)
        check_meeting(package, hospital, findings)
        partners |= hospital.inputs.keys()
        incentives.append(hospital.incentives)
        if draws:
            drawn.collect(hospital)
        for case in hospital.cases:
            number, cost = own.get((case["npi"], cell_of(case)), (0, ZERO))
            own[case["npi"], cell_of(case)] = (number + 1, cost + case["cost"])
    check_own_cells(cells, own, findings)
    for (npi, _), row in cells.items():
        findings.require("gate", row, "npi", npi in partners, "a care partner")
    check_claims(package, findings)
    check_certainty(package, incentives, terms, findings)
    if draws:
        report("chance ranges and intervals")
        drawn.check(package, cells, draws, findings)


def _check_hospital(hospital: Hospital, state: _Statewide, findings: Findings) -> None:
    terms, earlier, first_period = state.terms, state.earlier, hospital.first_period
    check_elections(hospital, terms, findings)
    check_exclusions_changed(hospital.ccn, hospital.inputs, state.programs, earlier, findings)
    performance = check_cases(hospital, state.norms, state.gated, terms, findings)
    check_baseline(hospital, state.norms, findings)
    improvement = check_improvement(hospital, state.rates, terms, findings)

    saved_to_date = _check_savings(hospital, state, findings)
    year = int(hospital.period[:4])
    paid_this_year = None if earlier.missing("", year) else earlier.paid(hospital.ccn, year=year)
    partners = check_steps(hospital, performance, improvement, paid_this_year, terms, findings)
    limit = state.limits.get(hospital.ccn)
    final = check_limit(hospital, limit, saved_to_date, partners, earlier, findings)
    is_contested = bool(limit and limit["is_contested"])
    held = {npi for npi, partner in partners.items() if partner.holds or is_contested}
    waiting = check_waiting(hospital.ccn, hospital.inputs, final, held, state.year_caps, findings)
    check_final(partners, final, is_contested, waiting, findings)

    everyone = state.savings.get((hospital.ccn, "all"))
    check_hospital_ledger(hospital, partners, performance, final, everyone, state.ledger, findings)
    if missing := earlier.missing(first_period):
        findings.notes.append(
            f"{hospital.ccn}: payments and savings of {', '.join(missing)}; no release of that period can be read here"
        )


def _check_savings(hospital: Hospital, state: _Statewide, findings: Findings) -> Decimal | None:
    """Check both scopes of the hospital's savings.

    Returns:
        Savings to date in the scope of the distribution limit; None if unknown.
    """
    terms, first_period = state.terms, hospital.first_period
    rows = {scope: state.savings.get((hospital.ccn, scope)) for scope in ("all", "participating")}
    check_participating(hospital, rows["participating"], state.norms, findings)
    check_scopes(rows["all"], rows["participating"], findings)
    to_date = {
        scope: check_savings(row, first_period, state.rates, state.earlier, terms, findings)
        for scope, row in rows.items()
        if row is not None
    }
    if terms.limit_scope in to_date:
        return to_date[terms.limit_scope]
    if state.earlier.missing(first_period):
        return None
    return state.earlier.saved(hospital.ccn, first_period, terms.limit_scope)
