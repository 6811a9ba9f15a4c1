"""A study: everything that was computed for one teacher, dimension and seed, in one file.

What is written is durable when the call returns, so a process that is killed loses at most the
piece of work that it had in hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import networkx as nx

from landtopo.errors import StudyError
from landtopo.points.records import Attempts, Family, Status
from landtopo.study.attempts import with_repetition, without_repetition
from landtopo.study.codec import encode
from landtopo.study.file import StudyFile
from landtopo.study.provenance import now

if TYPE_CHECKING:
    from landtopo.paths.record import PathRecord

__all__ = ["NamedPath", "Study"]


class NamedPath(NamedTuple):
    """A stored path and what its ends are; `permutation` relabels the second one."""

    from_id: str
    to_id: str
    permutation: str
    record: PathRecord


class Study(StudyFile):
    """One study file, with the searches, paths and the graph in it.

    Use `create`, `open` or `resume`, and close it, best with ``with``. It is a `Journal`: give it
    to a search, and the search goes on where an earlier one ended.
    """

    # Searches.

    def save_search(
        self,
        aim: str,
        source: str,
        attempts: Attempts,
        families: Sequence[Family] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Store every attempt of a search and the families that it found.

        A longer search of the same source replaces the shorter one. Of the end points of one
        family only the first is stored; the steps of the journal hold the others.

        Parameters
        ----------
        aim : str
            What was searched for: ``minima``, ``saddles`` or ``reachability``.
        source : str
            How, such as ``quasi-newton from gaussian:1``.
        attempts : Attempts
            `attempts.family` counts through `families`.
        families : sequence of Family
        options : mapping, optional
            Everything that the result depends on, in values that JSON has.
        """
        width = attempts.width
        run = self._database.run
        with self.together():
            run("DELETE FROM families WHERE width = ? AND source = ?", (width, source))
            run(
                "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    width,
                    source,
                    aim,
                    self._session,
                    len(attempts),
                    sum(status is Status.CONVERGED for status in attempts.status),
                    json.dumps(dict(options or {}), sort_keys=True),
                    encode(without_repetition(attempts)),
                ),
            )
            for family in families:
                run(
                    "INSERT INTO families VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        family.id,
                        source,
                        width,
                        str(family.point.kind),
                        family.loss,
                        family.count,
                        encode(family),
                    ),
                )

    def searches(self, aim: str | None = None) -> list[tuple[int, str]]:
        """The stored searches, of one aim or of all, as (width, source), the latest last."""
        rows = self._database.rows(
            "SELECT width, source FROM attempts WHERE ?1 = '' OR aim = ?1 ORDER BY rowid",
            (aim or "",),
        )
        return [(width, source) for width, source in rows]

    def attempts(self, width: int, source: str) -> Attempts:
        """Every attempt of a stored search, in columns.

        The weights of a row are those of the first attempt that ended in its family; they are
        NaN where an attempt ended in none.

        Raises
        ------
        StudyError
            There is no such search.
        """
        rows = self._database.rows(
            "SELECT record FROM attempts WHERE width = ? AND source = ?", (width, source)
        )
        if not rows:
            raise StudyError(f"The study '{self.path}' has no search '{source}' at width {width}.")
        return with_repetition(self._decoded(rows[0][0]))

    def families(self, width: int, source: str | None = None) -> list[Family]:
        """Families at a width by increasing loss.

        Parameters
        ----------
        width : int
        source : str, optional
            The search that found them; by default the latest one for minima.
        """
        if source is None:
            sources = [label for at, label in self.searches("minima") if at == width]
            source = sources[-1] if sources else ""
        rows = self._database.rows(
            "SELECT record FROM families WHERE width = ? AND source = ? ORDER BY loss, id",
            (width, source),
        )
        return [self._decoded(record) for (record,) in rows]

    # Paths.

    def save_path(
        self, record: PathRecord, from_id: str, to_id: str, *, permutation: str = "()"
    ) -> None:
        """Store a path, in place of an earlier one between the same ends with the same seed.

        Parameters
        ----------
        record : PathRecord
        from_id, to_id : str
            What the ends are: ids of families, ``global``, or names of files.
        permutation : str
            Relabelling of the second end's neurons, in cycles, or ``closest``.
        """
        with self.together():
            values = (
                record.problem.width,
                from_id,
                to_id,
                permutation,
                str(record.seed),
                self._session,
                float(record.highest_loss),
                int(record.verified),
                encode(record),
            )
            self._database.run(f"INSERT OR REPLACE INTO paths VALUES ({_marks(values)})", values)

    def paths(self, width: int | None = None) -> list[NamedPath]:
        """The stored paths, of one width or of all, the latest last."""
        rows = self._database.rows(
            "SELECT from_id, to_id, permutation, record FROM paths WHERE ?1 = 0 OR width = ?1 "
            "ORDER BY rowid",
            (width or 0,),
        )
        return [
            NamedPath(from_id, to_id, permutation, self._decoded(record))
            for from_id, to_id, permutation, record in rows
        ]

    # The graph.

    def save_graph(self, graph: nx.MultiGraph[str]) -> None:
        """Store the landscape graph, in place of an earlier one."""
        run = self._database.run
        with self.together():
            for table in ("edges", "nodes", "graph"):
                run(f"DELETE FROM {table}")
            run(
                "INSERT INTO graph VALUES (1, ?, ?, ?)",
                (self._session, now(), encode(graph.graph)),
            )
            for place, (node, data) in enumerate(graph.nodes.items()):
                run(
                    "INSERT INTO nodes VALUES (?, ?, ?, ?, ?)",
                    (place, node, int(data["width"]), float(data["loss"]), encode(data)),
                )
            for place, ((first, last, key), data) in enumerate(graph.edges.items()):
                run(
                    "INSERT INTO edges VALUES (?, ?, ?, ?, ?, ?)",
                    (place, key, first, last, str(data["kind"]), encode(data)),
                )

    @property
    def has_graph(self) -> bool:
        """Whether a landscape graph was stored."""
        return bool(self._database.rows("SELECT id FROM graph"))

    def graph(self) -> nx.MultiGraph[str]:
        """The landscape graph that was stored last.

        Raises
        ------
        StudyError
            There is none yet.
        """
        rows = self._database.rows
        attributes = rows("SELECT record FROM graph")
        if not attributes:
            raise StudyError(
                f"The study '{self.path}' has no graph yet; 'landtopo graph -o {self.path}' "
                "makes it."
            )
        graph: nx.MultiGraph[str] = nx.MultiGraph(**self._decoded(attributes[0][0]))
        for node, record in rows("SELECT id, record FROM nodes ORDER BY place"):
            graph.add_node(node, **self._decoded(record))
        for first, last, key, record in rows(
            "SELECT from_id, to_id, id, record FROM edges ORDER BY place"
        ):
            graph.add_edge(first, last, key, **self._decoded(record))
        return graph


def _marks(values: tuple[object, ...]) -> str:
    return ", ".join("?" * len(values))
