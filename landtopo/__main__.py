"""`python -m landtopo`: the command, for where its script is not on the search path.

The only module of the library that knows the command: nothing imports it, Python runs it.
"""

from __future__ import annotations

from landtopo_cli import main

main()
