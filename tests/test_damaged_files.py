"""Some hundred of the damaged and made-up files of which `verification/fuzz.py` tries 100,000."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verification"))

import fuzz

KINDS = (
    *("teacher.json", "teacher.csv", "teacher.npy", "weights.json", "weights.csv", "weights.npy"),
    *("graph.json", "graph.graphml", "graph.gexf", "study", "old study"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fuzz.Fuzz(tmp_path_factory.mktemp("fuzz"), seconds=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_gives_a_result_or_one_sentence(files: Any, kind: str) -> None:
    assert set(files.strategies()) == set(KINDS)
    files.failures = []
    before = files.cases
    files.chunk(kind, 10_000, 30)
    assert files.cases > before
    assert files.failures == []
