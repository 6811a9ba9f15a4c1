"""An interruption that comes while C code calls back ends a command like any other."""

from __future__ import annotations

import subprocess
import sys

import pytest

# As llvmlite does while numba compiles: Python drops what is raised in a callback.
SCRIPT = """
import ctypes, os, signal, time

# What runs in the background of a shell is started with Ctrl-C switched off.
signal.signal(signal.SIGINT, signal.default_int_handler)
import landtopo_cli.app as app

def command(**options):
    back = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.{signal}))
    back()
    {then}

app.landtopo = command
from landtopo_cli import main
main()
"""


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("then", ["time.sleep(60)", "raise RuntimeError('missing symbol')"])
def test_an_interruption_in_a_callback_is_not_lost(signal: str, then: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(signal=signal, then=then)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert process.returncode == 130
    assert process.stderr == ""
