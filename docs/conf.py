"""How the site is built: offline, everything in it executed, warnings are errors (`make docs`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Before NumPy is imported: the matrices are small.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import landtopo

project = "landtopo"
author = "The landtopo developers"
project_copyright = "the landtopo developers"
release = version = landtopo.__version__
language = "en"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
    "sphinx_gallery.gen_gallery",
    "command_help",
    "executed",
    "mathml",
    "notebooks",
    "completeness",
]
# The generator of the reference writes files of the first kind.
source_suffix = {".rst": "restructuredtext", ".md": "markdown", ".ipynb": "markdown"}
exclude_patterns = [
    "_rest.rst",
    "_build",
    "_generated",
    "paper",
    "gallery",
    "examples/*.ipynb",
    "examples/*.py",
]
nitpicky = False

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_class_members_toctree = False
numpydoc_show_inherited_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "filename_pattern": "/plot_",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "capture_repr": ("_repr_html_", "__str__"),
    "copyfile_regex": "",
}

# "--teacher" is an option and no dash.
smartquotes = False
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"landtopo {release}"
# As the theme itself would choose, but without a complaint in the browser's log.
html_context = {"default_mode": "auto"}
html_sidebars = {"**": ["site-nav"]}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "landtopo"},
    "navigation_with_keys": False,
    "navbar_center": [],
    "show_toc_level": 3,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
