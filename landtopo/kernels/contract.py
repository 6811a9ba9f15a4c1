"""What the compiled loops ask of a landscape.

A landscape hands the loops a named tuple of data, such as `landtopo.kernels.network.ReluNetwork`. A
loop makes a task of it, which also holds arrays to work in, once for each batch: threads share the
data and never a task. The functions here have no body. `answers` gives them one for a type of named
tuple, so that which formula is meant is settled when a loop is compiled, and cached code is that of
one landscape. A call is lowered to a call of that body and nothing else: with
`numba.extending.overload` references of every array of a task would be counted at each call, which
takes a tenth of the time of a gradient.

x, g, p are flat arrays of one length; capital letters are views of them in the shape that a
landscape computes with (`shaped`), made once and not for each evaluation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba.core.errors import TypingError
from numba.extending import intrinsic

from landtopo.kernels.stamps import answering

__all__ = [
    "answers",
    "asked",
    "constrain",
    "finish",
    "flow_task",
    "gauge_rows",
    "gradient",
    "hessian",
    "length_scale",
    "newton_task",
    "normal_block",
    "output_slopes",
    "product",
    "rounding",
    "shaped",
    "slopes",
    "tabulate",
    "tidy",
    "undecided",
    "value_gradient",
]


_BODIES: dict[tuple[str, type], Any] = {}


def asked(question: Callable[..., None]) -> Any:
    """A function for compiled code whose body depends on the type of its first argument."""
    name = question.__name__

    def define(typing_context: Any, first: Any, *rest: Any) -> tuple[Any, Any]:
        body = _BODIES.get((name, getattr(first, "instance_class", object)))
        if body is None:
            raise TypingError(f"{first} has no {name}")
        function = typing_context.resolve_value_type(body)
        signature = typing_context.resolve_function_type(function, (first, *rest), {})

        def lower(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            return context.get_function(function, signature)(builder, arguments)

        return signature, lower

    context = inspect.Parameter("typing_context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(question).parameters.values()
    define.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    define.__name__ = name
    define.__doc__ = question.__doc__
    return intrinsic(define)


@asked
def newton_task(data):
    """Task of what needs second derivatives: all the rest."""


@asked
def flow_task(data):
    """Task of a flow (`gradient`, `length_scale`, `tidy`) or of descent (`constrain`)."""


@asked
def shaped(task, x):
    """A view of x in the shape that the landscape computes with."""


@asked
def value_gradient(task, X, G):
    """Value at X; the gradient goes to G. Leaves the tables of X for `product`."""


@asked
def gradient(task, X, G):
    """Write the gradient at X into G."""


@asked
def constrain(task, X):
    """Put X, after a step of descent, where points of the landscape lie."""


@asked
def output_slopes(task, X, PSI):
    """Write dL/da of each neuron at X, of which `gradient` has just been asked."""


@asked
def tabulate(task, X):
    """Make the tables of X for `product`."""


@asked
def product(task, X, P, OUT):
    """Write the Hessian at X times P into OUT; the tables are those of X."""


@asked
def hessian(task, X, H):
    """Write the Hessian at X into H, of the shape of X twice; the tables are those of X."""


@asked
def normal_block(task, X, A):
    """Write the Hessian's block for every direction that X does not use; tables as above."""


@asked
def slopes(task, U, X, VALUES, GRADIENTS):
    """Write dL for growing one more neuron from zero along rows of U, and its gradients, if any."""


@asked
def gauge_rows(task, X):
    """Orthonormal rows that span the gauge directions at X."""


@asked
def rounding(task):
    """By how much values of equal points may differ."""


@asked
def length_scale(task):
    """A length that is large at a point of interest, for errors relative to it."""


@asked
def finish(task, x, value, norm, tolerance):
    """Put x at a degenerate minimum that Newton's method only creeps to; (done, evaluations).

    x changes only when done.
    """


@asked
def undecided(task, value):
    """Whether a value is so low that Newton steps do not tell which minimum a flow leads to."""


@asked
def tidy(task, x, g, smallest):
    """Put parts of x at the place where the flow would take for ever to put them; whether any."""


def answers(question: Any, data: type) -> Callable[[Any], Any]:
    """Give a function of the contract its body for one type of data or task.

    Parameters
    ----------
    question : callable
        A function of this module.
    data : type
        A `typing.NamedTuple`: the type of the first argument.

    Returns
    -------
    callable
        Takes the body, compiled by `numba.njit`, and gives it back.
    """

    def register(body: Any) -> Any:
        _BODIES[question._name, data] = body
        answering(data, body.py_func.__code__.co_filename)
        return body

    return register
