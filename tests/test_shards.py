"""Machines that share the starts of a search find together what one alone would have found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as main

import landtopo as lt
from landtopo.study.codec import encode

TEACHER = lt.Teacher.orthonormal(2)
COMMON = ("--teacher", "orthonormal:2", "--widths", "2:3", "--seed", "4", "--quiet", "--json")
SEARCHES = {
    "minima": ("minima", *COMMON, "--starts", "500"),
    "reach": ("reach", *COMMON, "--runs", "180"),
}


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.mark.parametrize("search", sorted(SEARCHES))
def test_any_split_gives_the_same_bytes(tmp_path: Path, search: str) -> None:
    asked = SEARCHES[search]
    alone = call(*asked, "-o", tmp_path / "alone.landtopo")
    assert alone.exit_code == 0, alone.output
    for of in (2, 3):
        parts = [tmp_path / f"{number}-of-{of}.landtopo" for number in range(1, of + 1)]
        kept = np.zeros(2, dtype=int)
        for number, part in enumerate(parts, start=1):
            done = call(*asked, "-o", part, "--shard", f"{number}/{of}")
            assert done.exit_code == 0, done.output
            told = json.loads(done.stdout)
            assert told["shard"] == f"{number}/{of}"
            kept += [row["kept"] for row in told["widths"]]
            wanted = told["widths"][0]["starts"]
        assert kept.tolist() == [wanted, wanted]
        whole = tmp_path / f"{of}.landtopo"
        merged = json.loads(call("merge", whole, *reversed(parts), "--json").stdout)
        assert merged["added"] == merged["pieces"] > 4
        assert merged["differing"] == 0
        together = call(*asked, "-o", whole)
        assert together.exit_code == 0, together.output
        assert together.stdout == alone.stdout
        shown = [
            json.loads(call("show", study, "--json").stdout)["searches"]
            for study in (whole, tmp_path / "alone.landtopo")
        ]
        assert shown[0] == shown[1]


def test_only_missing_starts_are_followed_after_a_merge(tmp_path: Path) -> None:
    problem = lt.TeacherStudent(TEACHER, 2)
    names = [tmp_path / f"{number}.landtopo" for number in (1, 2)]
    for number, name in enumerate(names, start=1):
        with (
            lt.Study.create(name, TEACHER) as study,
            pytest.raises(lt.ShardFinished, match="of 300 starts are kept") as end,
        ):
            lt.find_minima(problem, starts=300, journal=lt.Shard(study, number, 2))
        # Of chunks of 128, 128 and 44 starts.
        assert (end.value.kept, end.value.total) == ((172, 128)[number - 1], 300)
    # The second one gets what the first one has; the last shard to be asked ends with the result.
    assert lt.merge_studies(names[1], names).added == 2
    with lt.Study.open(names[1], write=True) as study:
        before = study.steps("starts/")
        found = lt.find_minima(problem, starts=300, journal=lt.Shard(study, 2, 2))
        assert study.steps("starts/") == before
    assert encode(found.attempts.weights) == encode(
        lt.find_minima(problem, starts=300).attempts.weights
    )
    # Once more there is nothing to add.
    assert lt.merge_studies(names[1], names).added == 0


def test_other_digits_are_counted_and_the_first_ones_kept(tmp_path: Path) -> None:
    first, second = tmp_path / "first.landtopo", tmp_path / "second.landtopo"
    with lt.Study.create(first, TEACHER) as study:
        lt.find_minima(lt.TeacherStudent(TEACHER, 2), starts=10, journal=study)
        (key,) = study.steps("starts/")
        kept = study.recall(key)
    shutil.copy(first, second)
    with lt.Study.open(second, write=True) as study:
        study.remember(key, {**kept, "loss": np.nextafter(kept["loss"], 1.0)})
    merged = lt.merge_studies(tmp_path / "whole.landtopo", [first, second])
    assert (merged.pieces, merged.added, merged.differing) == (1, 1, 1)
    with lt.Study.open(tmp_path / "whole.landtopo") as study:
        assert encode(study.recall(key)) == encode(kept)
    done = call("merge", tmp_path / "whole.landtopo", second)
    assert "1 were found twice with other digits" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--shard", "3/2", "-o", "s"), "must be from 1/2 to 2/2"),
        (("--shard", "0/2", "-o", "s"), "must be from 1/2 to 2/2"),
        (("--shard", "2", "-o", "s"), "is not a part such as 2/4"),
        (("--shard", "1/2"), "does nothing without -o STUDY"),
        (("--shard", "1/2", "-o", "s", "--time", "3"), "needs a fixed number of starts"),
    ],
)
def test_a_bad_shard_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("minima", "--teacher", "orthonormal:2", "--width", "2", *arguments)
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_a_shard_of_a_model_is_refused(tmp_path: Path) -> None:
    done = call("minima", "--model", "himmelblau", "--shard", "1/2", "-o", tmp_path / "s")
    assert done.exit_code == 2
    assert "--shard" in done.stderr


def test_studies_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    problem = lt.TeacherStudent(TEACHER, 2)
    for name, seed in (("a", 0), ("b", 1)):
        with lt.Study.create(tmp_path / name, TEACHER, seed=seed) as study:
            lt.find_minima(problem, starts=10, seed=seed, journal=study)
    with lt.Study.create(tmp_path / "none", TEACHER):
        pass
    whole = tmp_path / "whole"
    with pytest.raises(lt.StudyError, match="has the seed 1, not 0"):
        lt.merge_studies(whole, [tmp_path / "a", tmp_path / "b"])
    with pytest.raises(lt.StudyError, match="None of the studies holds a finished chunk"):
        lt.merge_studies(whole, [tmp_path / "none"])
    with pytest.raises(lt.InvalidArgument, match="must name a study"):
        lt.merge_studies(whole, [])
    with pytest.raises(lt.InvalidArgument, match="must be from 1 to 2"):
        lt.Shard(study, 3, 2)
    assert not whole.exists()
