"""What known columns of nested values hold inside, checked before anything relies on it.

A form is a function that says whether a plain value has it. docs/file-formats.md tells the same in
words. What is not named here may be added freely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from landtopo.landscape.schema import Owner

__all__ = ["has_its_form"]

_Form = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return _whole(value) and value > 0


def _number(value: Any) -> bool:
    return isinstance(value, float) or _whole(value)


def _list(entry: _Form, length: int | None = None) -> _Form:
    return lambda value: (
        isinstance(value, list) and length in (None, len(value)) and all(map(entry, value))
    )


def _table(entry: _Form) -> _Form:
    return lambda value: isinstance(value, dict) and all(map(entry, value.values()))


def _by_width(entry: _Form) -> _Form:
    return lambda value: (
        _table(entry)(value)
        and all(width.isascii() and width.isdecimal() and len(width) < 19 for width in value)
    )


def _record(needed: tuple[str, ...] = (), /, **entries: _Form) -> _Form:
    return lambda value: (
        isinstance(value, dict)
        and all(name in value for name in needed)
        and all(entry(value[name]) for name, entry in entries.items() if name in value)
    )


def _square(value: Any) -> bool:
    return all(len(row) == len(value) for row in value)


def _estimate(value: Any) -> bool:
    return _table(lambda entry: _number(entry) or _list(_number)(entry))(value) and _record(
        richness_interval=_list(_number, 2),
        rarefaction_starts=_list(_number),
        rarefaction_families=_list(_number),
    )(value)


_FORMS: dict[tuple[Owner, str], _Form] = {
    ("graph", "gram"): _square,
    ("graph", "widths"): _list(_whole),
    ("graph", "starts"): _by_width(_whole),
    ("graph", "start_search"): _by_width(
        _record(
            init=_text,
            method=_text,
            outcomes=_table(_whole),
            others=_list(
                _record(("kind", "loss", "count"), kind=_text, loss=_number, count=_whole)
            ),
        )
    ),
    ("graph", "coverage"): _by_width(_estimate),
    ("graph", "transition_search"): _by_width(
        _record(
            outcomes=_table(_table(_whole)), coverage=_estimate, stopped=_text, told=_list(_text)
        )
    ),
    ("graph", "failed_pairs"): _by_width(
        _list(_record(("from_id", "to_id", "tries"), from_id=_text, to_id=_text, tries=_whole))
    ),
    ("graph", "reachability"): _by_width(_text),
    ("graph", "symmetry"): lambda value: (
        _record(
            coordinates=_count,
            particles=_count,
            generators=_list(_list(_whole)),
            lengths=_count,
            rigid=_count,
            rotations=_count,
            translations=_count,
        )(value)
        and ("particles" in value or {"coordinates", "generators"} <= value.keys())
    ),
    ("graph", "database"): _record(
        ("layout",),
        layout=_text,
        decimals=lambda value: value in (10, 15),
        files=_list(_text),
        given=_table(_text),
        A=_list(_text),
        B=_list(_text),
    ),
    ("node", "inertia"): _list(_number, 3),
    ("edge", "inertia"): _list(_number, 3),
    ("edge", "profile"): _list(_list(_number, 2)),
}


def has_its_form(owner: Owner, name: str, value: Any) -> bool:
    """Whether the plain value of a column is built as the column's is; others may be anything."""
    form = _FORMS.get((owner, name))
    return form is None or form(value)
