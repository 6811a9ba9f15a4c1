"""The exceptions that landtopo raises: bad input only; numerical failure is a status."""

from __future__ import annotations

from landtopo.texts import printable

__all__ = ["EmptyStudyError", "FileFormatError", "InvalidArgument", "LandtopoError", "StudyError"]


class LandtopoError(Exception):
    """Base class of everything that landtopo raises on purpose.

    Parameters
    ----------
    sentence : str
        What is wrong. Control characters in what it cites become escapes, so that it is one line.

    Examples
    --------
    >>> import landtopo as lt
    >>> try:
    ...     lt.Teacher.orthonormal(0)
    ... except lt.LandtopoError as error:
    ...     print(error)
    The 'size' argument of Teacher.orthonormal must be an integer >= 1; got 0.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence))


class InvalidArgument(LandtopoError, ValueError):
    """An argument cannot be used; the message says in one sentence which and why.

    Examples
    --------
    >>> import landtopo as lt
    >>> try:
    ...     lt.Teacher.equicorrelated(3, 2)
    ... except lt.InvalidArgument as error:
    ...     print(type(error).__name__)
    InvalidArgument
    """


class FileFormatError(LandtopoError):
    """A file cannot be read: not of this format, damaged, or from a newer version.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> name = os.path.join(tempfile.mkdtemp(), "empty.json")
    >>> open(name, "w").close()
    >>> try:
    ...     lt.read_graph(name)
    ... except lt.FileFormatError as error:
    ...     print(type(error).__name__)
    FileFormatError
    """


class StudyError(LandtopoError):
    """A study file does not fit what was asked of it.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
    >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
    >>> try:
    ...     study.graph()
    ... except lt.StudyError as error:
    ...     print(type(error).__name__)
    StudyError
    >>> study.close()
    """


class EmptyStudyError(StudyError, FileFormatError):
    """There is no study to open: no file, or one in which nothing was written."""
