"""Formulas as MathML, which browsers draw by themselves: no script, no font, no network."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

# A name before what it is applied to; where it has an index, it is the first of two children.
_NAME = re.compile(r"(?<!<msub>)(?<!<msup>)(?<!<munder>)(<mi>[a-z]{3,}</mi>)(?=<mi>|<msub>|<mover)")


def _formula(text: str, display: str) -> str:
    """MathML with the room that TeX leaves: some behind names of functions, none beside bars."""
    made = convert(text, display=display)
    made = _NAME.sub(r'\1<mspace width="0.17em"/>', made)
    return re.sub(r"<mo[^>]*>(?=&#x0007C;)", '<mo stretchy="false" lspace="0" rspace="0">', made)


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(_formula(node.astext(), "inline"))
    raise nodes.SkipNode


def _display(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{_formula(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer as `html_math_renderer = "mathml"`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
