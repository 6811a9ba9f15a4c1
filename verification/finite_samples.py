"""What becomes of the minima of a population loss on n samples, family by family.

K = M = 3, erf, orthonormal teacher, d = 3, targets without noise. The spurious family of the
population loss (L = 0.07579898) has three copies by permutations of the teacher, which are no
symmetries of samples. Each is followed on the samples' loss; a search from starts N(0, 4) says
which minima only the samples have. Distances of counterparts must shrink like 1 / sqrt(n), and by
first order with the constant sqrt(tr(H^-1 S H^-1)), S the covariance of one sample's gradient.

    python verification/finite_samples.py --sizes 100,1000,10000,100000
"""

from __future__ import annotations

import click
import numpy as np
from scipy.special import erf

import landtopo as lt


def first_order(problem: lt.TeacherStudent, weights: np.ndarray) -> float:
    """Root mean square of sqrt(n) times the distance, from a plain mean over samples."""
    x = np.random.default_rng(1).standard_normal((1_000_000, 3))
    heights = x @ weights.T / np.sqrt(2)
    missed = erf(heights).sum(axis=1) - erf(x / np.sqrt(2)).sum(axis=1)
    slopes = missed[:, None] * np.sqrt(2 / np.pi) * np.exp(-(heights**2))
    gradients = (slopes[:, :, None] * x[:, None]).reshape(len(x), -1)
    inverse = np.linalg.inv(lt.PopulationLoss(problem).hessian(weights))
    return float(np.sqrt(np.trace(inverse @ np.cov(gradients.T) @ inverse)))


@click.command(help=__doc__)
@click.option("--sizes", default="100,1000,10000,100000", show_default=True)
@click.option("--seeds", default=4, show_default=True, help="Draws of samples for each size.")
@click.option("--starts", default=24, show_default=True, help="Of each search on samples.")
def main(sizes: str, seeds: int, starts: int) -> None:
    teacher = lt.Teacher.orthonormal(3)
    problem = lt.TeacherStudent(teacher, 3, dim=3, activation="erf")
    families = lt.find_minima(problem, starts=100, init="gaussian:3.5").families
    spurious = families[1]
    click.echo(f"population: {', '.join(f'{f.id} {f.loss:.10f}' for f in families)}")
    click.echo(f"sqrt(n) distance to first order: {first_order(problem, spurious.weights):.2f}")
    click.echo("     n  global lost  copies kept  sqrt(n) distance  only on samples (loss)")
    for count in map(int, sizes.split(",")):
        lost, kept, squares, only = 0, 0, [], []
        for seed in range(seeds):
            samples = lt.gaussian_samples(problem, count, seed=seed)
            model = lt.sample_model(*samples, width=3, spread=2.0)
            found = lt.find_minima(model, starts=starts)
            compared = lt.compare_with_population(problem, families[:2], model, found)
            for one in compared.counterparts:
                if one.family == spurious.id and one.exists:
                    kept += 1
                    squares.append(one.distance**2)
                lost += one.family != spurious.id and not (one.exists and one.distance < 1e-10)
            losses = {one.id: one.loss for one in found.families}
            only += [f"{losses[name]:.4f}" for name in compared.only_on_samples]
        scaled = np.sqrt(count * np.mean(squares)) if squares else np.nan
        click.echo(
            f"{count:6}  {lost:11}  {kept:4} of {3 * seeds:2}  {scaled:17.2f}  "
            f"{', '.join(sorted(only)) or 'none'}"
        )


if __name__ == "__main__":
    main()
