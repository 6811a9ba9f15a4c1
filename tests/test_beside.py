"""A second process for pictures: the same files, and nothing is lost where it fails."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from landtopo_cli.beside import Beside
from landtopo_cli.outputs import check_outputs, write_outputs
from synthetic_landscape import small_graph


def _lost_elsewhere(number: int, home: int) -> int:
    if os.getpid() != home:
        os._exit(1)
    return number**2


def test_a_second_process_writes_the_same_files(tmp_path: Path) -> None:
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        check_outputs(folder, (7,), None, force=False)
        with Beside() as beside:
            beside.start(jobs)
            told = write_outputs(folder, small_graph(), (7,), None, beside)
        assert not told.failed
        assert sorted(told.files) == sorted(folder.iterdir())
    for one in (tmp_path / "1").iterdir():
        assert one.read_bytes() == (tmp_path / "2" / one.name).read_bytes(), one.name


def test_what_a_lost_process_had_in_hand_is_done_here() -> None:
    with Beside() as beside:
        beside.start(2)
        found = beside.run([partial(_lost_elsewhere, number, os.getpid()) for number in range(7)])
    assert found == [number**2 for number in range(7)]
