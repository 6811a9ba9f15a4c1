"""What people see of a record when they print it: one short line, or a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from html import escape
from typing import Any, ClassVar

import numpy as np

from landtopo.wording import aligned, counted, number

__all__ = ["Brief", "Table", "brief", "html_table"]


_LINE = 240
_TEXT = 60
# A matrix of eight neurons in eight dimensions is still easier to read than to ask for.
_ENTRIES = 64


class Brief:
    """Mix-in of dataclasses: a short `repr` that never prints an array.

    It tells the fields in their order, as many as fit, or those attributes that a class names. A
    notebook shows all of `_details`, a line each.
    """

    __slots__ = ()

    _told: ClassVar[tuple[str, ...]] = ()

    def _details(self) -> dict[str, Any]:
        """What a notebook shows: the fields, or what a class has instead."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {field.name: getattr(self, field.name) for field in fields if field.repr}

    def _repr_html_(self) -> str:
        """The record as a notebook shows it."""
        lines = "".join(
            f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{_detail(value)}</td></tr>"
            for name, value in self._details().items()
        )
        return f"{_title(self)}<table><tbody>{lines}</tbody></table>"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # In the class itself, where `dataclass` leaves it alone; an inherited one it would replace.
        if cls.__repr__ in (object.__repr__, _line):
            cls.__repr__ = _line  # type: ignore[method-assign]


def _line(record: Any) -> str:
    parts: list[str] = []
    for name in record._told or [field.name for field in dataclasses.fields(record)]:
        part = f"{name}={brief(getattr(record, name))}"
        if sum(map(len, parts)) + 2 * len(parts) + len(part) > _LINE:
            parts.append("...")
            break
        parts.append(part)
    return f"{type(record).__name__}({', '.join(parts)})"


def brief(value: Any) -> str:
    """A value in a few characters: numbers with six digits, arrays by shape, lists by length."""
    if isinstance(value, Enum):
        return str(value.name)
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    if isinstance(value, (bool, int, np.integer, np.bool_)) or value is None:
        text = str(value)
        return text if len(text) <= _TEXT else f"{text[:_TEXT]}..."
    if isinstance(value, str):
        return repr(value if len(value) <= _TEXT else f"{value[:_TEXT]}...")
    if isinstance(value, np.ndarray):
        return f"<array {' x '.join(map(str, value.shape)) or 'of no dimension'}>"
    if isinstance(value, tuple) and len(value) <= 3 and all(map(_is_scalar, value)):
        return f"({', '.join(map(brief, value))}{',' * (len(value) == 1)})"
    if isinstance(value, (Mapping, Sequence, set, frozenset)):
        return f"<{counted(len(value), 'entry', 'entries')}>"
    name = getattr(value, "id", None) or getattr(value, "name", None)
    kind = type(value).__name__
    return f"<{kind} {name}>" if isinstance(name, str) and len(name) <= _TEXT else f"<{kind}>"


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (bool, int, float, np.number, np.bool_))


def html_table(header: Iterable[str], rows: Iterable[Iterable[str]], caption: str = "") -> str:
    """A table of HTML cells under plain headings."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in header)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows
    )
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{told}<thead><tr>{head}</tr></thead>\n<tbody>{lines}</tbody></table>"


class Table(Brief):
    """Mix-in of records that are lists of like things: tables to print, and for pandas.

    A class states its rows, and which of their columns are printed.
    """

    __slots__ = ()

    _printed: ClassVar[tuple[str, ...]] = ()

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries of plain values, with the same keys in each."""
        raise NotImplementedError

    def __str__(self) -> str:
        header, body = self._cells()
        return "\n".join([repr(self), *([aligned(header, body)] if body else [])])

    def _repr_html_(self) -> str:
        """The table as a notebook shows it."""
        header, body = self._cells()
        return _title(self) + html_table(header, (map(escape, row) for row in body))

    def to_dataframe(self) -> Any:
        """The rows as a `pandas.DataFrame`, with every digit.

        Returns
        -------
        pandas.DataFrame
            One row for each of `rows()`.

        Raises
        ------
        ImportError
            If pandas is not installed; landtopo does not need it otherwise.

        Examples
        --------
        >>> import landtopo as lt
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> found = lt.find_minima(problem, starts=20)
        >>> found.to_dataframe().shape[0]  # needs pandas
        1
        """
        try:
            import pandas
        except ImportError:
            raise ImportError(
                "to_dataframe needs pandas, which is not installed; "
                "'pip install landtopo[pandas]' adds it."
            ) from None
        return pandas.DataFrame(self.rows())

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        rows = self.rows()
        names = self._printed or tuple(rows[0] if rows else ())
        return (
            [name.replace("_", " ") for name in names],
            [[_cell(row[name]) for name in names] for row in rows],
        )


def _cell(value: Any) -> str:
    if isinstance(value, (float, np.floating)) or value is None:
        return number(None if value is None else float(value))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_cell, value))
    return str(value)


def _title(record: Any) -> str:
    return f"<p><code>{escape(repr(record))}</code></p>"


def _detail(value: Any) -> str:
    """A value of a record in HTML: texts and small arrays in full."""
    if isinstance(value, np.ndarray) and value.ndim in (1, 2) and 0 < value.size <= _ENTRIES:
        text = np.array2string(value, precision=5, suppress_small=True)
        return f"<pre>{escape(text)}</pre>"
    return escape(str(value) if isinstance(value, str) else brief(value))
