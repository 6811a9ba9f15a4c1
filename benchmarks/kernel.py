"""Value, gradient, Hessian and Hessian-vector product: microseconds a point, and against jax.

jax computes the same formula with the angle from half-angle norms, compiled and vectorised over the
batch, in double precision on one thread.
"""

from __future__ import annotations

import os

os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import time
from collections.abc import Callable

import numpy as np

from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent

BATCH = 256


def best_time(call: Callable[[], object], repeats: int = 30) -> float:
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def jax_value_and_gradient(size: int) -> Callable[[np.ndarray], object]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    teacher = jnp.eye(size)

    def pair(a, b):  # type: ignore[no-untyped-def]
        na, nb = jnp.linalg.norm(a, axis=-1), jnp.linalg.norm(b, axis=-1)
        u, v = (a / na[:, None])[:, None, :], (b / nb[:, None])[None, :, :]
        # the small number keeps the derivative of the norm finite on the diagonal
        minus = jnp.sqrt(jnp.sum((u - v) ** 2, -1) + 1e-30)
        plus = jnp.sqrt(jnp.sum((u + v) ** 2, -1) + 1e-30)
        t = 2 * jnp.arctan2(minus, plus)
        s, c = 0.5 * minus * plus, 1 - 0.5 * minus**2
        return jnp.sum(na[:, None] * nb[None, :] * (s + (jnp.pi - t) * c)) / (2 * jnp.pi)

    def loss(w):  # type: ignore[no-untyped-def]
        return 0.5 * (pair(w, w) - 2 * pair(w, teacher) + pair(teacher, teacher))

    compiled = jax.jit(jax.vmap(jax.value_and_grad(loss)))
    return lambda weights: jax.block_until_ready(compiled(weights))


def measure(size: int) -> str:
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(size), size))
    count = BATCH if size <= 20 else 16
    weights = np.random.default_rng(0).standard_normal((count, size, size)) / np.sqrt(size)
    own = best_time(lambda: loss.value_and_gradient(weights)) / count * 1e6
    product = best_time(lambda: loss.hvp(weights, weights)) / count * 1e6
    dense = best_time(lambda: loss.hessian(weights[0])) * 1e6 if size <= 20 else float("nan")
    try:
        call = jax_value_and_gradient(size)
        other = best_time(lambda: call(weights)) / count * 1e6
    except ImportError:
        other = float("nan")
    return f"{size:4d} {own:12.2f} {other:12.2f} {other / own:8.1f}x {dense:9.1f} {product:12.2f}"


def main() -> None:
    print(
        "   K   value+gradient   jax     ratio   Hessian   Hessian product   (microseconds a point)"
    )
    for size in (6, 10, 20, 100):
        print(measure(size))


if __name__ == "__main__":
    main()
