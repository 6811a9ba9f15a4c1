"""Work shared with other processes: the same results and files, and nothing lost with a process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from landtopo_cli.outputs import check_outputs, write_outputs
from synthetic_landscape import small_graph

from landtopo import processes
from landtopo.processes import on_processes


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    yield
    processes.end()


def _lost_elsewhere(number: int, home: int) -> int:
    if os.getpid() != home:
        os._exit(1)
    return number**2


def _fails(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def _process(number: int) -> tuple[int, int]:
    time.sleep(0.05)
    return number, os.getpid()


def test_other_processes_are_kept_and_share_the_work() -> None:
    processes.begin(2)
    used = set()
    for _ in range(2):
        found = dict(on_processes(2, _process, [(number,) for number in range(40)]))
        assert [found[number][0] for number in range(40)] == list(range(40))
        used |= {process for _, process in found.values()}
    assert len(used) == 2
    assert os.getpid() in used


def test_what_a_lost_process_had_in_hand_is_done_here() -> None:
    home = os.getpid()
    for _ in range(2):
        found = dict(on_processes(2, _lost_elsewhere, [(number, home) for number in range(7)]))
        assert found == {number: number**2 for number in range(7)}
        assert not processes.are_ready(2)


def test_an_error_anywhere_is_raised_here() -> None:
    with pytest.raises(ValueError, match="three"):
        list(on_processes(2, _fails, [(number,) for number in range(6)]))
    assert not processes.are_ready(2)


def test_other_processes_write_the_same_files(tmp_path: Path) -> None:
    graph = small_graph().subgraph(["w7-f0", "w7-f1"]).copy()
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        check_outputs(folder, (7,), None, force=False)
        told = write_outputs(folder, graph, (7,), None, jobs)
        assert not told.failed
        assert sorted(told.files) == sorted(folder.iterdir())
    for one in (tmp_path / "1").iterdir():
        assert one.read_bytes() == (tmp_path / "2" / one.name).read_bytes(), one.name
