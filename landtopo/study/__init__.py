"""One SQLite file per study: attempts, families, paths and the graph, with their provenance."""

from __future__ import annotations

from landtopo.study.provenance import Session
from landtopo.study.store import NamedPath, Study

__all__ = ["NamedPath", "Session", "Study"]
