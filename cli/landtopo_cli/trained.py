"""Commands for students whose second layer is trained: those for models, with a model made here."""

from __future__ import annotations

from typing import Any

import click

from landtopo_cli.request import Request

__all__ = ["run_trained"]


def run_trained(request: Request, init_outputs: str | None, more: dict[str, Any]) -> int | None:
    """A command for students with trained output weights.

    Parameters
    ----------
    request : Request
        The options that state a problem.
    init_outputs : str or None
    more : dict
        The command's own options.
    """
    from landtopo.models.networks.problem import TeacherStudent
    from landtopo.models.networks.trained import trained_model
    from landtopo_cli.models import run

    command = str(click.get_current_context().info_name)
    if command not in _COMMANDS:
        raise click.UsageError(
            f"--second-layer trained is worked out for {', '.join(_COMMANDS)}, not for {command}."
        )
    if request.teacher is None:
        raise click.UsageError("Missing option '--teacher' beside --second-layer trained.")
    if request.widths is None or len(request.widths) != 1:
        raise click.UsageError("--second-layer trained is for one width; give --width.")
    problem = TeacherStudent(request.given_teacher(), request.widths[0], request.given_dim(None))
    init = more.pop("init", None)
    model = trained_model(
        problem,
        init="gaussian:1" if init is None else init,
        init_outputs="one" if init_outputs is None else init_outputs,
    )
    shared = {
        **{"model": model.name, "starts": request.starts, "seed": request.seed},
        **{"jobs": request.jobs, "study": request.study},
        **{"as_json": request.as_json, "quiet": request.quiet},
    }
    return run(command, shared, more)


_COMMANDS = ("flat", "graph", "minima", "path", "saddles")
