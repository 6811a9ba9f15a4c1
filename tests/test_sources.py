"""Sources of starts are spent in order, and given up on their own record."""

from __future__ import annotations

from landtopo.points.sources import Source, in_turn


def test_all_starts_are_spent_in_order_while_they_bring_something_new() -> None:
    source = Source("lines", range(7), chunk=3, patience=3)
    taken = []
    while source.open:
        starts = source.next()
        taken.extend(starts)
        source.brought(len(starts), new=True)
    assert taken == list(range(7))
    assert source.spent == 7


def test_a_source_that_brings_nothing_new_is_given_up() -> None:
    source = Source("lines", range(100), chunk=4, patience=8)
    source.brought(len(source.next()), new=False)
    source.brought(len(source.next()), new=True)
    source.brought(len(source.next()), new=False)
    assert source.open
    source.brought(len(source.next()), new=False)
    assert not source.open
    assert list(source.next()) == []
    assert source.spent == 16


def test_starts_that_are_not_told_of_yet_count_as_if_they_brought_nothing() -> None:
    source = Source("lines", range(100), chunk=4, patience=8)
    assert list(source.next()) == [0, 1, 2, 3]
    assert list(source.next()) == [4, 5, 6, 7]
    assert list(source.next()) == []
    # The first chunk brings something new, so that of the second alone nothing is known.
    source.brought(4, new=True)
    assert list(source.next()) == [8, 9, 10, 11]
    assert not source.open


def test_an_empty_source_ends_at_once() -> None:
    source: Source[int] = Source("lines", (), patience=8)
    assert source.open
    assert list(source.next()) == []
    assert not source.open


def test_starts_are_taken_in_turn() -> None:
    assert list(in_turn([[1, 4, 6], [], [2], [3, 5]])) == [1, 2, 3, 4, 5, 6]
