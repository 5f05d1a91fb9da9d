"""Show what failed beside the work of a command, as a notice on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from shardvault.cli.render import JsonLines, PlainLines
from shardvault.cli.settings import Settings
from shardvault.errors import AfterwardsWarning
from shardvault.events import Noticed


class Notices:
    """Take Python's warnings; each of ours is shown once, others go where they went before."""

    def __init__(self, settings: Settings, others: Callable[..., None]) -> None:
        self._settings = settings
        self._others = others
        self._shown: set[str] = set()

    def show(
        self, message: Warning | str, category: type[Warning], *place: Any, **more: Any
    ) -> None:
        """Show a warning; never raises for one of ours."""
        if not issubclass(category, AfterwardsWarning):
            self._others(message, category, *place, **more)
            return
        text = str(message)
        if text in self._shown:
            return
        self._shown.add(text)
        lines = JsonLines if self._settings.wants_json else PlainLines
        lines(sys.stderr, has_progress=False).emit(Noticed(text))
