"""Make folders of the local state that nobody else can look into."""

from __future__ import annotations

from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make a folder and the parents that it lacks, each 0700 whatever the umask.

    ``Path.mkdir`` gives its mode to the last folder alone. Whoever may write in a parent
    could put another folder in the place of ours.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
