"""Outputs of commands other than releases, made once per test session: studies of public files, an interim report.

Belongs here: building them into a folder (``conftest`` has the fixtures). Does not belong here: any assertion.
"""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from hcip_pipeline import cli
from hcip_pipeline.commands.study import command as study_command
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.study.result import StudyResult
from hcip_pipeline.study.sparcs_study import run_sparcs_study
from hcip_pipeline.synthetic.texas_pudf import write_texas_pudf
from tests.settled_home import SettledHome, digest
from tests.sparcs_files import row, write
from tests.texas_files import file_of

#: surgeon -> costs of the two cases of the methodology's worked example
COSTS = {1: (13_000, 15_000), 2: (15_500, 16_500), 3: (17_000, 19_000), 4: (20_000, 24_000), 5: (25_000, 27_000)}
#: The example lowers the cell minimum; its base year and cost method are not the file's.
POLICY = Policy(version="example", base_year=2013, min_cases_per_cell=10)
TRICKY_NAME = "=Lakeside <b>& Sons</b>"

TEXAS_QUARTERS = [Quarter(2019, 1), Quarter(2019, 2)]
FACTORS = "hospital_ccn,rate_center,rate_year,markup,cost_to_charge,labor_market,ime,dsh\n"

INTERIM_QUARTER = "2025Q1"


def sparcs_discharges() -> list[dict[str, str]]:
    """The worked example, with surgeon 1 at two hospitals, one more patient who died, and one in a separate cell."""
    rows = [
        row(
            Operating_Provider_License_Number=str(200_000 + surgeon),
            Facility_Id="7" if (surgeon, place) == (1, 1) else "214",
            Facility_Name="Hilltop Hospital" if (surgeon, place) == (1, 1) else TRICKY_NAME,
            Total_Costs=f"{cost}.00",
        )
        for surgeon, costs in COSTS.items()
        for place, cost in enumerate(costs)
    ]
    return [
        *rows,
        row(Patient_Disposition="Expired", Total_Costs="90000", Facility_Name=TRICKY_NAME),
        row(APR_Severity_of_Illness_Code="4", Total_Costs="80000", Facility_Name=TRICKY_NAME),
        row(Facility_Id=""),
    ]


@dataclass(frozen=True)
class SparcsStudy:
    """The study of :func:`sparcs_discharges`; ``page`` is a copy of its page that no test changes."""

    home: Home
    file: Path
    page: Path
    result: StudyResult

    @classmethod
    def load(cls, folder: Path) -> SparcsStudy:
        result = pickle.loads((folder / "result.pickle").read_bytes())
        return cls(Home(folder / "home"), folder / "discharges_2016.csv", folder / "study.html", result)


def build_sparcs_study(folder: Path) -> None:
    """Study the worked example in ``folder``."""
    file = write(folder / "discharges_2016.csv", sparcs_discharges())
    result = run_sparcs_study(Home(folder / "home"), file, 2016, POLICY)
    shutil.copyfile(result.folder / "study.html", folder / "study.html")
    (folder / "result.pickle").write_bytes(pickle.dumps(result))


@dataclass(frozen=True)
class TexasStudy:
    """A study of two invented quarters, with cost-to-charge ratios for every acute hospital, a separate one for drugs.

    Attributes:
        printed: the output of ``hcip study --json``.
    """

    home: Home
    pudf: Path
    printed: dict[str, object]

    @classmethod
    def load(cls, folder: Path) -> TexasStudy:
        return cls(Home(folder / "home"), folder / "pudf", json.loads((folder / "printed.json").read_text()))

    @property
    def page(self) -> Path:
        return Path(str(self.printed["folder"])) / "study.html"


def build_texas_study(folder: Path) -> None:
    """Invent the files in ``folder`` and study them by the command."""
    home, pudf = Home(folder / "home"), folder / "pudf"
    write_texas_pudf(pudf, TEXAS_QUARTERS, discharges=1500)
    acute = [line[:6] for line in file_of(pudf, "facility").read_text().splitlines() if line[64] == "A"]
    rows = "".join(f"{ccn},ALL,2019,,0.5,1,0,0\n{ccn},CDS,2019,,0.25,1,0,0\n" for ccn in acute)
    (home.inbox / "reference").mkdir(parents=True)
    (home.inbox / "reference/cost_factors.csv").write_text(FACTORS + rows)
    arguments = ["--home", str(home.root), "--texas-pudf", str(pudf), "--from", "2019Q1", "--to", "2019Q2", "--json"]
    result = CliRunner().invoke(study_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (folder / "printed.json").write_text(result.stdout)


@dataclass(frozen=True)
class InterimReport:
    """The interim report of :data:`INTERIM_QUARTER` in a copy of the settled home.

    Attributes:
        printed: the output of ``hcip interim --json``.
        kept_lake: whether the lake had the same bytes before and after.
    """

    home: Home
    printed: dict[str, object]
    kept_lake: bool

    @classmethod
    def load(cls, folder: Path) -> InterimReport:
        printed = json.loads((folder / "printed.json").read_text())
        return cls(Home(folder / "home"), printed["stdout"], printed["kept_lake"])

    @property
    def folder(self) -> Path:
        return self.home.interim / INTERIM_QUARTER


def build_interim(folder: Path, settled: SettledHome) -> None:
    """Report the quarter by the command."""
    home = settled.copy(folder / "home")
    before = digest(home.lake)
    arguments = ["interim", INTERIM_QUARTER, "--home", str(home.root), "--json"]
    ran = CliRunner().invoke(cli.cli, arguments, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    printed = {"stdout": json.loads(ran.stdout), "kept_lake": digest(home.lake) == before}
    (folder / "printed.json").write_text(json.dumps(printed))
