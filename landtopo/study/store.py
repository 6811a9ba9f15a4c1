"""A study: everything that was computed for one teacher and dimension, or one model, in one file.

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
from landtopo.points.stationary import FunctionFamily
from landtopo.shown import Table
from landtopo.study.attempts import with_repetition, without_repetition
from landtopo.study.codec import encode
from landtopo.study.file import StudyFile
from landtopo.study.provenance import now

if TYPE_CHECKING:
    from landtopo.paths.record import JoinedPath

__all__ = ["NamedPath", "Study"]


class NamedPath(NamedTuple):
    """A stored path and what its ends are; `permutation` relabels the second one."""

    from_id: str
    to_id: str
    permutation: str
    record: JoinedPath


class Study(StudyFile, Table):
    """One study file, with the searches, paths and the graph in it.

    Use `create`, `open` or `resume`, and close it, best with ``with``. It is a `Journal`: give it
    to a search, and the search goes on where an earlier one ended.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
    >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
    ...     study.searches()
    []
    """

    _printed = ("search", "id", "kind", "loss", "count", "orbit_size", "description")

    def rows(self) -> list[dict[str, Any]]:
        """One row a family of every stored search, without its weights.

        Examples
        --------
        >>> import os, tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     study.rows()
        []
        """
        return [
            {"search": source, **family.row()}
            for width, source in self.searches()
            for family in self.families(width, source)
        ]

    # Searches.

    def save_search(
        self,
        aim: str,
        source: str,
        attempts: Attempts,
        families: Sequence[Family | FunctionFamily] = (),
        options: Mapping[str, Any] | None = None,
    ) -> bool:
        """Store every attempt of a search and the families that it found.

        A search takes the place of one of the same source, unless that has more independent
        starts: then the stored one stays. Of the end points of one family only the first is stored;
        the steps of the journal hold the others.

        Parameters
        ----------
        aim : str
            What was searched for: ``minima``, ``saddles`` or ``reachability``.
        source : str
            How, such as ``quasi-newton from gaussian:1``.
        attempts : Attempts
            `attempts.family` counts through `families`.
        families : sequence of Family or FunctionFamily
        options : mapping, optional
            Everything that the result depends on, in values that JSON has.

        Returns
        -------
        bool
            False where a longer search stays.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> found = lt.find_minima(problem, starts=20)
        >>> study.save_search("minima", "gaussian:1", found.attempts, found.families)
        True
        >>> [family.id for family in study.families(2)]
        ['w2-f0']
        >>> study.close()
        """
        width = attempts.width
        before = self._rows.one("attempts", width=width, source=source)
        if attempts.independent and before is not None and before["starts"] > len(attempts):
            return False
        with self.together():
            self._rows.remove("families", width=width, source=source)
            self._rows.put(
                "attempts",
                width=width,
                source=source,
                aim=aim,
                session=self._session,
                starts=len(attempts),
                converged=sum(status is Status.CONVERGED for status in attempts.status),
                search=json.dumps(dict(options or {}), sort_keys=True),
                record=encode(without_repetition(attempts)),
            )
            for family in families:
                self._rows.put(
                    "families",
                    id=family.id,
                    source=source,
                    width=width,
                    kind=str(family.point.kind),
                    loss=family.loss,
                    count=family.count,
                    record=encode(family),
                )
        return True

    def searches(self, aim: str | None = None) -> list[tuple[int, str]]:
        """The stored searches, of one aim or of all, as (width, source), the latest last.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.searches()
        []
        >>> study.close()
        """
        return [
            (row["width"], row["source"])
            for row in self._rows.all("attempts")
            if aim in (None, row["aim"])
        ]

    def attempts(self, width: int, source: str) -> Attempts:
        """Every attempt of a stored search, in columns.

        The weights of a row are those of the first attempt that ended in its family; they are
        NaN where an attempt ended in none.

        Raises
        ------
        StudyError
            There is no such search.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> found = lt.find_minima(problem, starts=20)
        >>> study.save_search("minima", "gaussian:1", found.attempts, found.families)
        True
        >>> len(study.attempts(2, "gaussian:1"))
        20
        >>> study.close()
        """
        for row in self._rows.all("attempts"):
            if (row["width"], row["source"]) == (width, source):
                with self._reading("attempts"):
                    return with_repetition(self._decoded("attempts", row))
        raise StudyError(f"The study '{self.path}' has no search '{source}' at width {width}.")

    def search_options(self, width: int, source: str) -> dict[str, Any]:
        """What a stored search was asked for, as `save_search` was given it.

        Parameters
        ----------
        width : int
        source : str
            Where its starts came from, as in `searches`.

        Returns
        -------
        dict
            Empty for a search that is not stored.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     study.search_options(2, "gaussian:1")
        {}
        """
        for row in self._rows.all("attempts"):
            if (row["width"], row["source"]) == (width, source):
                options: dict[str, Any] = json.loads(row["search"])
                return options
        return {}

    def families(self, width: int, source: str | None = None) -> list[Family]:
        """Families at a width by increasing loss.

        Parameters
        ----------
        width : int
        source : str, optional
            The search that found them; by default the latest one for minima.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.families(2)
        []
        >>> study.close()
        """
        if source is None:
            sources = [label for at, label in self.searches("minima") if at == width]
            source = sources[-1] if sources else ""
        rows = [
            row
            for row in self._rows.all("families")
            if (row["width"], row["source"]) == (width, source)
        ]
        rows.sort(key=lambda row: (row["loss"], row["id"]))
        return [self._decoded("families", row) for row in rows]

    # Paths.

    def save_path(
        self,
        record: JoinedPath,
        from_id: str,
        to_id: str,
        *,
        permutation: str = "()",
    ) -> None:
        """Store a path, in place of an earlier one between the same ends with the same seed.

        Parameters
        ----------
        record : PathRecord or FunctionPath
        from_id, to_id : str
            What the ends are: ids of families, ``global``, or names of files.
        permutation : str
            Relabelling of the second end's neurons, in cycles, or ``closest``.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import numpy as np
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
        >>> path = lt.connect(problem, np.eye(2), np.eye(2)[::-1])
        >>> study.save_path(path, "w2-f0", "w2-f0", permutation="(1 2)")
        >>> len(study.paths(2))
        1
        >>> study.close()
        """
        with self.together():
            self._rows.put(
                "paths",
                width=record.stage,
                from_id=from_id,
                to_id=to_id,
                permutation=permutation,
                seed=str(record.seed),
                session=self._session,
                highest_loss=record.highest_loss,
                verified=record.verified,
                record=encode(record),
            )

    def paths(self, width: int | None = None) -> list[NamedPath]:
        """The stored paths, of one width or of all, the latest last.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> study.paths()
        []
        >>> study.close()
        """
        return [
            NamedPath(row["from_id"], row["to_id"], row["permutation"], self._decoded("paths", row))
            for row in self._rows.all("paths")
            if width in (None, row["width"])
        ]

    def rename_families(self, renamed: Mapping[str, str]) -> None:
        """Give the ends of stored paths the new ids of their families.

        Parameters
        ----------
        renamed : mapping of str to str
            New ids by old ones; no two are alike.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> with lt.Study.create(name, lt.Teacher.orthonormal(2)) as study:
        ...     study.rename_families({"w2-f0": "w2-f1"})
        """
        rows = self._rows.all("paths")
        if not any(row[end] in renamed for row in rows for end in ("from_id", "to_id")):
            return
        with self.together():
            # All are put again, in their order: two families may exchange their ids.
            self._rows.remove("paths")
            for row in rows:
                kept = {name: row[name] for name in row if name not in ("checksum", "number")}
                ends = {end: renamed.get(row[end], row[end]) for end in ("from_id", "to_id")}
                self._rows.put("paths", **{**kept, **ends})

    # The graph.

    def save_graph(self, graph: nx.MultiGraph[str]) -> None:
        """Store the landscape graph, in place of an earlier one.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
        >>> study.save_graph(graph)
        >>> list(study.graph())
        ['w2-f0']
        >>> study.close()
        """
        put = self._rows.put
        with self.together():
            for table in ("edges", "nodes", "graph"):
                self._rows.remove(table)
            put("graph", id=1, session=self._session, finished=now(), record=encode(graph.graph))
            for place, (node, data) in enumerate(graph.nodes.items()):
                put(
                    "nodes",
                    place=place,
                    id=node,
                    width=data.get("width", 0),  # a model has none
                    loss=data["loss"],
                    record=encode(data),
                )
            for place, ((first, last, key), data) in enumerate(graph.edges.items()):
                put(
                    "edges",
                    place=place,
                    id=key,
                    from_id=first,
                    to_id=last,
                    kind=str(data["kind"]),
                    record=encode(data),
                )

    @property
    def has_graph(self) -> bool:
        """Whether a landscape graph was stored."""
        return bool(self._rows.all("graph"))

    def graph(self) -> nx.MultiGraph[str]:
        """The landscape graph that was stored last.

        Raises
        ------
        StudyError
            There is none yet.

        Examples
        --------
        >>> import os
        >>> import tempfile
        >>> import landtopo as lt
        >>> name = os.path.join(tempfile.mkdtemp(), "two.landtopo")
        >>> study = lt.Study.create(name, lt.Teacher.orthonormal(2))
        >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
        >>> study.save_graph(graph)
        >>> len(study.graph())
        1
        >>> study.close()
        """
        with self._database.snapshot():
            attributes, nodes, edges = map(self._rows.all, ("graph", "nodes", "edges"))
        if not attributes:
            raise StudyError(
                f"The study '{self.path}' has no graph yet; 'landtopo graph -o {self.path}' "
                "makes it."
            )
        with self._reading("graph"):
            graph: nx.MultiGraph[str] = nx.MultiGraph(**self._decoded("graph", attributes[0]))
            for row in nodes:
                graph.add_node(row["id"], **self._decoded("nodes", row))
            for row in edges:
                graph.add_edge(
                    row["from_id"], row["to_id"], row["id"], **self._decoded("edges", row)
                )
        return graph
