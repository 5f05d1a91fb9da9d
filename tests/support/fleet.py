"""Run several private instances as one fleet and write the file that describes them."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ruamel.yaml import YAML

from tests.support.servers import Flavour, Instance, grant_backup_user, start_instance
from tests.support.templates import ensure_template


class Fleet:
    """Hold instances by shard name; leaving the ``with`` block removes every trace of them.

    The instances start in ``__enter__``, all at once, or none remains. Root has the same
    password on each of them.
    """

    user = "root"

    def __init__(
        self,
        flavours: Sequence[Flavour],
        *,
        folder: Path | None = None,
        prefix: str = "s",
        options: Sequence[str] = (),
        outlives_parent: bool = False,
    ) -> None:
        """Describe the fleet.

        Args:
            flavours: one per shard; shards are named ``s0``, ``s1`` and so on.
            folder: where the instances live, must not exist; default: a temporary one.
            prefix: what the shards' names begin with.
            options: server options that override ours, for every instance.
            outlives_parent: start servers that may outlive this program; see ``keep``.
        """
        self.folder = folder or _name_folder()
        self.password = secrets.token_hex(12)
        self.shards: dict[str, Instance] = {}
        self._flavours = {f"{prefix}{i}": flavour for i, flavour in enumerate(flavours)}
        self._options = tuple(options)
        self._outlives_parent = outlives_parent
        self._is_kept = False

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Give the instances in the order of their shards."""
        return tuple(self.shards.values())

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True)
        try:
            self._start_all()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_kept:
            self.destroy()

    def keep(self) -> None:
        """Leave the fleet up after the ``with`` block; needs ``outlives_parent``."""
        if not self._outlives_parent:
            raise ValueError("a fleet that was not started to outlive its program can't be kept")
        self._is_kept = True

    def destroy(self) -> None:
        """Kill every server and delete the fleet's folder; may be called twice."""
        in_parallel(Instance.destroy, self.instances)
        shutil.rmtree(self.folder, ignore_errors=True)

    def grant_backup_user(self, password: str, user: str = "backup") -> None:
        """Create the user of minimal privileges on every shard."""
        in_parallel(lambda instance: grant_backup_user(instance, password, user), self.instances)

    def _start_all(self) -> None:
        for flavour in set(self._flavours.values()):
            ensure_template(flavour)
        pool = ThreadPoolExecutor(max_workers=len(self._flavours))
        results = [pool.submit(self._start, name) for name in self._flavours]
        try:
            for result in results:
                result.result()
        finally:
            pool.shutdown()  # also after Ctrl-C: what is half started could not be undone
        self.shards = {name: self.shards[name] for name in self._flavours}

    def _start(self, name: str) -> None:
        """Start one shard and note it at once, so that an interrupted start can be undone."""
        self.shards[name] = start_instance(
            self._flavours[name],
            self.folder / name,
            password=self.password,
            options=self._options,
            outlives_parent=self._outlives_parent,
        )


def write_fleet_file(
    path: Path,
    shards: Mapping[str, Instance],
    *,
    user: str,
    password: Mapping[str, str],
    name: str = "shop",
    tables: Sequence[Mapping[str, Any]] = (),
    repository: Path | None = None,
    key: Path | None = None,
) -> Path:
    """Write the configuration file for these shards, readable by its owner only.

    Args:
        password: a reference: ``{"env": NAME}`` or ``{"file": PATH}``.
        tables: the section ``tables``, as ``shop.TABLES``.
        repository: folder of a local repository; without it the file names only the fleet.
        key: file of the repository's key.
    """
    places = [{"name": shard, "primary": {"socket": i.socket}} for shard, i in shards.items()]
    fleet: dict[str, Any] = {"name": name, "user": user, "password": dict(password)}
    fleet["shards"] = places
    if tables:
        fleet["tables"] = [dict(table) for table in tables]
    content: dict[str, Any] = {"fleet": fleet}
    if repository is not None:
        content["repository"] = {"url": f"file://{repository}", "key": {"file": str(key)}}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        YAML().dump(content, file)
    return path


def _name_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"shardvault-fleet-{secrets.token_hex(6)}"


def in_parallel(run: Callable[[Instance], object], instances: Sequence[Instance]) -> None:
    """Do the same on every instance at once; the first error is raised after all have ended."""
    if not instances:
        return
    with ThreadPoolExecutor(max_workers=len(instances)) as pool:
        results = [pool.submit(run, instance) for instance in instances]
    for result in results:
        result.result()
