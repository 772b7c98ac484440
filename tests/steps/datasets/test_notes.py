from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from steps.datasets import notes, sampling


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=60).filter(any))
def test_shares_of_all_rows_do_not_differ(counts: list[int]) -> None:
    found = notes.compare_prevalence(*[{f"c{i}": count for i, count in enumerate(counts)}] * 2)
    assert not any(entry["differs"] for entry in found.values())


def test_a_sample_says_which_classes_it_holds_more_of() -> None:
    counts = [211840, 283301, 35754, 2747, 9493, 17367, 20510]
    for rows, different in ((1000, {"c3", "c4"}), (10_000, set()), (100_000, set())):
        pairs = [
            {f"c{i}": count for i, count in enumerate(each)} for each in (counts, sampling.allocate_rows(counts, rows))
        ]
        found = notes.compare_prevalence(*pairs)
        assert {slug for slug, entry in found.items() if entry["differs"]} == different


def test_a_note_names_a_few_and_counts_the_rest() -> None:
    source, used = {f"c{i}": 100 for i in range(9)}, {f"c{i}": 100 - 10 * i for i in range(9)}
    shares = notes.compare_prevalence(source, used)
    (note,) = notes._notes_on_prevalence(shares)
    assert note.startswith(
        "cover types differ in their shares of the source and of the rows used: c8 11.11% and 3.70%, c0 11.11% and"
    )
    assert note.endswith(" and 3 more; the metrics are about the rows used")
