"""Turn what fails after work is done, or beside it, into a warning: done work stays a success."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from shardvault.errors import AfterwardsWarning, ShardvaultError
from shardvault.failpoints import is_off


@contextlib.contextmanager
def warn_only() -> Iterator[None]:
    """Warn of an error inside the ``with`` block instead of raising it.

    For what nothing of the work depends on: what this computer remembers of a repository, a
    report about what was just changed.
    """
    try:
        yield
    except ShardvaultError as error:
        if is_off("done.stays_done"):
            raise
        hint = f" ({error.hint})" if error.hint else ""
        warnings.warn(f"{error}{hint}", AfterwardsWarning, stacklevel=3)
