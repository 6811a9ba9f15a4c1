"""Searches on a cluster: the same to the last byte, also when a worker is killed on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import landtopo as lt
from landtopo.errors import LandtopoError
from landtopo.export import prepare
from landtopo.landscape.explore import ExploreOptions

QUICK = ExploreOptions(random_starts=64, mode_starts=32, line_starts=8, mirrors=4, patience=40)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two worker processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        local_directory=str(tmp_path_factory.mktemp("dask")),
    ) as found:
        yield found


def test_reached_ends_are_the_same_on_a_cluster(cluster: Any) -> None:
    from distributed import Client

    problem = lt.TeacherStudent(lt.Teacher.orthonormal(5), 5)

    def done() -> int:
        with Client(cluster, set_as_default=False) as client:
            told = client.run(lambda dask_worker: dask_worker.state.executed_count)
        return sum(told.values())

    before = done()
    far = lt.reachability(problem, runs=120, seed=4, cluster=cluster.scheduler_address)
    assert done() > before
    near = lt.reachability(problem, runs=120, seed=4)
    np.testing.assert_array_equal(far.attempts.weights, near.attempts.weights)
    assert far.shares() == near.shares()


class Killing:
    """A journal that kills a worker of the cluster when some pieces are finished."""

    def __init__(self, cluster: Any, after: int) -> None:
        self.cluster = cluster
        self.left = after
        self.killed = 0

    def recall(self, key: str) -> None:
        return None

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        self.left -= 1
        if self.left == 0:
            from distributed import Client

            with Client(self.cluster, set_as_default=False) as client:
                pids = client.run(os.getpid)
            self.killed = next(iter(pids.values()))
            os.kill(self.killed, signal.SIGKILL)


def test_a_graph_is_the_same_when_a_worker_is_killed_half_way(cluster: Any) -> None:
    teacher = lt.Teacher.equicorrelated(3, -0.3)
    journal = Killing(cluster, after=6)
    far = lt.landscape_graph(
        teacher, 3, starts=200, options=QUICK, cluster=cluster.scheduler_address, journal=journal
    )
    assert journal.killed
    near = lt.landscape_graph(teacher, 3, starts=200, options=QUICK)
    assert prepare(far) == prepare(near)


def test_minima_and_saddles_are_the_same_on_a_cluster(cluster: Any) -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2)
    address = cluster.scheduler_address
    for search, more in (
        (lt.find_minima, {"starts": 300}),
        (lt.find_saddles, {"starts": 12, "sources": ("random",)}),
    ):
        near, far = search(problem, **more), search(problem, cluster=address, **more)
        np.testing.assert_array_equal(near.attempts.weights, far.attempts.weights)
        assert near.rows() == far.rows()


def test_an_address_where_nobody_answers_is_said(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(LandtopoError, match=r"^No dask scheduler answers at 'nowhere://x': .*\.$"):
        lt.find_minima(
            lt.TeacherStudent(lt.Teacher.orthonormal(2), 2), starts=5, cluster="nowhere://x"
        )
