"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

Every requirement states a lower bound and nothing else; one that does not is an error here.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def lowest(requirement: str) -> str:
    """Turn "name[extra]>=1.2" into "name==1.2"."""
    parts = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?>=([\w.]+)", requirement)
    if parts is None:
        sys.exit(f"'{requirement}' in pyproject.toml is no name with a lower bound (name>=1.2).")
    return "==".join(parts.groups())


def main() -> None:
    """Read the project's own file: run time, extras and tools of the tests."""
    settings = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(
            name
            for extra in ("certify", "cluster", "dot", "pandas", "tests")
            for name in extras[extra]
        ),
        *settings["build-system"]["requires"],
    ]
    own = f"{project['name']}["
    print("\n".join(lowest(name) for name in wanted if not name.startswith(own)))


if __name__ == "__main__":
    main()
