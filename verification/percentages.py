"""Share of gradient-descent runs that end in a spurious critical point, against published numbers.

Safran and Shamir (2018) ran gradient descent 1000 times at K = M = d, entries N(0, 1/d), step
0.1. Each comparison is of two binomial samples: the difference must lie within `--sigmas` standard
errors of it.

    python verification/percentages.py --runs 2000 --jobs 2
"""

from __future__ import annotations

import csv
import logging
import math
from pathlib import Path

import click

import landtopo as lt

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "data" / "published" / "spurious_percentages.csv"


@click.command(help=__doc__)
@click.option("--runs", default=2000, show_default=True, help="Runs for each size.")
@click.option("--jobs", default=2, show_default=True, help="Threads.")
@click.option("--seed", default=0, show_default=True)
@click.option("--sizes", default="6,8,10,12,17,20", show_default=True)
@click.option("--sigmas", default=3.5, show_default=True)
@click.option("--folder", type=Path, default=ROOT / "results", show_default=False)
def main(runs: int, jobs: int, seed: int, sizes: str, sigmas: float, folder: Path) -> None:
    logging.basicConfig(format="%(message)s")
    folder.mkdir(exist_ok=True)
    wanted = {int(size) for size in sizes.split(",")}
    with SOURCE.open() as file:
        rows = [row for row in csv.DictReader(file) if int(row["size"]) in wanted]
    worst = 0.0
    click.echo("  M   published %   here %   interval          families   sigmas")
    for row in rows:
        size, published, before = int(row["size"]), float(row["percentage"]) / 100, int(row["runs"])
        problem = lt.TeacherStudent(lt.Teacher.orthonormal(size), size)
        path = folder / f"percentages-{size}.landtopo"
        with lt.Study.resume(path, problem.teacher, seed=seed) as study:
            study.begin("percentages", {"runs": runs})
            result = lt.find_minima(
                problem,
                starts=runs,
                seed=seed,
                jobs=jobs,
                method="gradient-descent",
                journal=study,
            )
        spurious = runs - sum(f.count for f in result.families if f.is_global)
        low, high = lt.binomial_interval(spurious, runs)
        both = (spurious + published * before) / (runs + before)
        error = math.sqrt(both * (1 - both) * (1 / runs + 1 / before))
        apart = abs(spurious / runs - published) / error
        worst = max(worst, apart)
        click.echo(
            f"{size:3d} {100 * published:11.1f} {100 * spurious / runs:9.2f}"
            f"   {100 * low:5.2f} .. {100 * high:5.2f} {len(result.families):8d} {apart:10.2f}"
        )
    raise SystemExit(1 if worst > sigmas else 0)


if __name__ == "__main__":
    main()
