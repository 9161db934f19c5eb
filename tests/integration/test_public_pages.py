"""No hidden count of the audit report's page, the regulator's savings or the quality tables follows from the others."""

from __future__ import annotations

from hcip_pipeline.release.reading import ReleaseFiles
from tests.pages_side_by_side import page_and_tables
from tests.settled_home import SettledHome


def test_no_count_follows_from_the_page_and_the_tables_next_to_it(settled_home: SettledHome) -> None:
    knowledge = page_and_tables(ReleaseFiles.at(settled_home.release.folder))
    small = [name for name, value in knowledge.truth.items() if 1 <= value <= 10]
    assert len(small) > 5 and len(knowledge.known) > 10
    assert not knowledge.confined(10)
