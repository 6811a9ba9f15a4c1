"""Says once, before the wait, that kernels are being compiled."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

__all__ = ["announce_compilation"]

_LOGGER = logging.getLogger("landtopo")


@cache
def announce_compilation() -> None:
    """Log one line if the kernels are not in numba's cache on disk yet."""
    from landtopo.kernels import relu

    folder = Path(relu.batch_value_gradient.stats.cache_path or "")
    if not any(folder.glob("relu.batch_value_gradient-*.nbi")):
        _LOGGER.warning(
            "landtopo compiles its kernels for this machine on first use; this takes about a "
            "minute and is kept on disk."
        )
