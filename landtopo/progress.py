"""How a long computation tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Receives the state of a long computation."""

    def begin(self, label: str, total: int | None) -> None:
        """A stage of `total` steps starts (None: the number is not known)."""
        ...

    def advance(self, steps: int = 1, note: str = "") -> None:
        """`steps` more are done; `note` is what was found so far."""
        ...

    def end(self) -> None:
        """The stage is over."""
        ...


class Silent:
    """The default: nobody listens."""

    def begin(self, label: str, total: int | None) -> None:
        """Ignore the start of a stage."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Ignore the steps."""

    def end(self) -> None:
        """Ignore the end of a stage."""
