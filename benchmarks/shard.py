"""Keep the benchmark's instances and the configuration files that reach them."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import build_shard
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Login
from shardvault.mysql.session import Session
from tests.support.fleet import write_fleet_file
from tests.support.servers import Flavour, Instance, start_instance

PASSWORD_VARIABLE = "SHARDVAULT_BENCH_PASSWORD"
_OPTIONS = (
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=512M",
    "--innodb-flush-log-at-trx-commit=1",
    "--max-allowed-packet=64M",
)


@dataclass(frozen=True)
class Bench:
    """Hold a filled source, an empty target, and a folder for everything else."""

    source: Instance
    target: Instance
    folder: Path

    @property
    def config(self) -> Path:
        """Return the fleet file of the source, with the repository."""
        return self.folder / "source.yaml"

    @property
    def target_config(self) -> Path:
        """Return the fleet file of the target."""
        return self.folder / "target.yaml"

    @property
    def env(self) -> dict[str, str]:
        """Return the environment that the commands need."""
        return {
            PASSWORD_VARIABLE: self.source.password,
            "MYSQL_PWD": self.source.password,
            "SHARDVAULT_STATE": str(self._state),
        }

    @property
    def _state(self) -> Path:
        return self.folder / "state"

    def shardvault(self, *arguments: str) -> list[str]:
        """Write a command line of shardvault."""
        return [sys.executable, "-m", "shardvault", "-c", str(self.config), *arguments]

    def clear_repository(self) -> None:
        """Delete the repository, so that the next backup stores everything."""
        shutil.rmtree(self.folder / "repo", ignore_errors=True)
        self.forget_repositories()

    def forget_repositories(self) -> None:
        """Delete what is remembered of repositories that were deleted; `init` refuses else."""
        shutil.rmtree(self._state, ignore_errors=True)

    def clear_target(self) -> None:
        """Empty the target."""
        with open_session(self.target) as session:
            session.execute("DROP DATABASE IF EXISTS bench")


def open_session(instance: Instance) -> Session:
    """Open a session as root."""
    endpoint = Endpoint(socket=instance.socket)
    login = Login("root", lambda: instance.password)
    return Session.open(endpoint, login, shard=ShardName("bench"), read_timeout_s=3600)


@contextlib.contextmanager
def opened_bench(scale: float) -> Iterator[Bench]:
    """Start both instances, fill the source, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="shardvault-bench-"))
    instances: list[Instance] = []
    try:
        source = start_instance(Flavour.MARIADB_1011, folder / "source", options=_OPTIONS)
        instances.append(source)
        # myloader writes no binlog; without one on the target both sides do the same work.
        target = start_instance(
            Flavour.MARIADB_1011,
            folder / "target",
            password=source.password,
            options=(*_OPTIONS, "--skip-log-bin"),
        )
        instances.append(target)
        bench = Bench(source, target, folder)
        _write_files(bench)
        with open_session(source) as session:
            build_shard(session, scale=scale)
        yield bench
    finally:
        for instance in instances:
            instance.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def _write_files(bench: Bench) -> None:
    password = {"env": PASSWORD_VARIABLE}
    write_fleet_file(
        bench.config,
        {"s0": bench.source},
        user="root",
        password=password,
        repository=bench.folder / "repo",
        key=bench.folder / "key",
    )
    write_fleet_file(
        bench.target_config,
        {"s0": bench.target},
        user="root",
        password=password,
    )
