"""landtopo: the exact topology of two-layer teacher-student loss landscapes."""

from landtopo._version import __version__

__all__ = ["__version__"]
