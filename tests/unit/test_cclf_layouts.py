"""The CCLF record layouts are consistent: every byte belongs to one field, in both generations."""

from hcip_pipeline.contracts.cms import LAYOUTS, TABLES

#: inputs.md, "CMS monthly files": before 2022, and now
RECORD_LENGTHS = {
    "cclf1": (292, 437), "cclf2": (179, 199), "cclf3": (94, 114), "cclf4": (92, 112), "cclf5": (363, 388),
    "cclf6": (227, 247), "cclf7": (195,), "cclf8": (549,), "cclf9": (55,), "cclfa": (101, 324), "cclfb": (93, 128),
}  # fmt: skip


def test_record_lengths_are_those_of_the_two_generations():
    assert {file: layout.record_lengths for file, layout in LAYOUTS.items()} == RECORD_LENGTHS


def test_fields_cover_every_byte_once():
    for layout in LAYOUTS.values():
        assert [field.offset for field in layout.fields] == [0, *(field.end for field in layout.fields[:-1])]
        assert layout.fields[-1].end == layout.record_lengths[-1]


def test_an_older_record_ends_with_a_field():
    for layout in LAYOUTS.values():
        for length in layout.record_lengths:
            assert layout.fields_within(length)[-1].end == length


def test_there_are_286_fields_and_one_lake_table_per_file():
    assert sum(len(layout.fields) for layout in LAYOUTS.values()) == 286
    assert set(TABLES) == {*LAYOUTS, "claim_tags", "patient_numbers"}  # the last two come only from BCDA


def test_every_amount_is_money():
    kinds = {f.name: f.kind for layout in LAYOUTS.values() for f in layout.fields}
    assert {kinds[name] for name in kinds if name.endswith("_amt")} == {"money"}
    assert {kinds[name] for name in kinds if name.endswith("_dt")} == {"date"}
