"""Notebooks: run with IPython alone, and shown as pages of the site.

`python docs/_ext/notebooks.py FILE ...` runs notebooks and writes their outputs into them. The site
runs them too, so that its pages show what this version gives.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

SUFFIX = ".ipynb"


def execute(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of all its cells, run in order in an empty folder.

    Raises
    ------
    RuntimeError
        A cell failed.
    """
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.pylabtools import select_figure_formats
    from IPython.utils.capture import capture_output

    outputs: list[dict[str, Any]] = []

    class Hook(DisplayHook):
        def write_output_prompt(self) -> None:
            pass

        def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
            outputs.append(_output("execute_result", format_dict, self.prompt_count))

        def finish_displayhook(self) -> None:
            pass

    class Publisher(DisplayPublisher):
        def publish(self, data: Any, *args: Any, **options: Any) -> None:
            outputs.append(_output("display_data", data))

    class Shell(InteractiveShell):
        displayhook_class = Hook
        display_pub_class = Publisher

    shell = Shell()
    # Programs that open notebooks do this when matplotlib is imported.
    select_figure_formats(shell, {"png"})
    cells = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                cells.append(cell)
                continue
            outputs.clear()
            with capture_output(display=False) as captured:
                result = shell.run_cell("".join(cell["source"]), store_history=True)
            if not result.success:
                error = result.error_before_exec or result.error_in_exec
                raise RuntimeError(f"{''.join(cell['source'])}\n{error!r}")
            streams = [{"name": "stdout", "text": captured.stdout}] if captured.stdout else []
            cells.append(
                {
                    **cell,
                    "execution_count": shell.execution_count - 1,
                    "outputs": [{"output_type": "stream", **entry} for entry in streams]
                    + list(outputs),
                }
            )
    return {**notebook, "cells": cells}


def _output(kind: str, data: Any, count: int | None = None) -> dict[str, Any]:
    plain = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in data.items()
        if name in ("text/plain", "text/html", "image/png")
    }
    counted = {} if count is None else {"execution_count": count}
    return {"output_type": kind, "data": plain, "metadata": {}, **counted}


def markdown(notebook: dict[str, Any], pictures: Path, name: str) -> str:
    """The executed notebook as a page; pictures go to files beside it."""
    parts = []
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for place, output in enumerate(cell["outputs"]):
            parts.append(_shown(output, pictures, f"{name}-{number}-{place}.png"))
    return "\n\n".join(parts) + "\n"


def _shown(output: dict[str, Any], pictures: Path, picture: str) -> str:
    if output["output_type"] == "stream":
        return f"```text\n{output['text'].rstrip()}\n```"
    data = output["data"]
    if "image/png" in data:
        pictures.mkdir(exist_ok=True)
        (pictures / picture).write_bytes(base64.b64decode(data["image/png"]))
        return f"![What the cell above draws.](/{pictures.name}/{picture})"
    if "text/html" in data:
        # An empty line would end the block of HTML.
        lines = [line for line in data["text/html"].splitlines() if line.strip()]
        return '<div class="notebook-output">\n' + "\n".join(lines) + "\n</div>"
    return f"```text\n{data['text/plain']}\n```"


def _as_page(app: Any, name: str, source: list[str]) -> None:
    path = Path(app.env.doc2path(name))
    if path.suffix != SUFFIX:
        return
    notebook = execute(json.loads(source[0]))
    pictures = Path(app.srcdir) / "_generated"
    page = markdown(notebook, pictures, name.replace("/", "-"))
    download = f"This page is the notebook {{download}}`{path.name}`.\n"
    source[0] = f"{page}\n---\n\n{download}"


def setup(app: Any) -> dict[str, Any]:
    """Read notebooks as Markdown."""
    app.connect("source-read", _as_page)
    return {"parallel_read_safe": False, "parallel_write_safe": True}


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for file in map(Path, sys.argv[1:]):
        done = execute(json.loads(file.read_text("utf-8")))
        file.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", "utf-8")
