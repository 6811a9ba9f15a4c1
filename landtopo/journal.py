"""Where finished pieces of a long computation are kept, so that it can go on where it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Forgetful", "Journal"]


class Journal(Protocol):
    """A durable dictionary of finished pieces; what was remembered survives a kill."""

    def recall(self, key: str) -> Mapping[str, Any] | None:
        """What was remembered under `key`, or None."""
        ...

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep numbers, texts, lists and arrays under `key`, durably."""
        ...


class Forgetful:
    """The default: nothing is kept."""

    def recall(self, key: str) -> None:
        """Nothing is known."""

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Nothing is kept."""
