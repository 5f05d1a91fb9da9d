"""No secret and no row is where others can read it, whatever the command does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.integration.operations_support import Result, finish, query, run_all, wipe
from tests.support.binaries import PROJECT
from tests.support.bucket_server import BucketServer, Refusal
from tests.support.fleet import Fleet
from tests.support.secret_search import CanarySearch, ProcessSampler, find_open_to_others
from tests.support.servers import Instance
from tests.support.stores import BUCKET

USER = "keeper"
PASSWORD_VARIABLE = "CANARY_PASSWORD"
SECRETS = {
    "database password": "canary-of-the-database-password",
    "store secret": "canary-of-the-store-secret",
    "passphrase": "canary-of-the-passphrase",
}
DATA = {"row": "canary-of-a-row-value", "table": "canary_of_a_table_name"}


class Canaries:
    """Run commands on a fleet, a repository and a target that all hold canaries.

    Attributes:
        leaks: canaries that were seen where they must not be.
    """

    def __init__(self, folder: Path, instances: tuple[Instance, Instance], place: Any) -> None:
        self.folder = folder
        self.made = folder / "made"
        self.made.mkdir(mode=0o700)
        self.leaks: set[str] = set()
        self.samples = 0
        self.secrets = CanarySearch(SECRETS)
        for name, text in SECRETS.items():
            (folder / name).touch(0o600)
            (folder / name).write_text(text)
        source, target = (self._describe(one) for one in instances)
        self.source = self._write("source.yaml", {"fleet": source, "repository": place})
        self.target = self._write("target.yaml", {"fleet": target})

    def _describe(self, instance: Instance) -> dict[str, Any]:
        return {
            "name": "fleet",
            "user": USER,
            "password": {"env": PASSWORD_VARIABLE},
            "shards": [{"name": "s0", "primary": {"socket": instance.socket}}],
        }

    def _write(self, name: str, content: dict[str, Any]) -> str:
        path = self.folder / name
        with path.open("w") as file:
            YAML().dump(content, file)
        path.chmod(0o600)
        return str(path)

    def run(self, *words: str, code: int = 0) -> Result:
        """Run a command in the most open way that a shell may have, and watch it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "shardvault", "-v", "--config", self.source, *words],
            env=os.environ
            | {
                "PYTHONPATH": str(PROJECT / "src"),
                "SHARDVAULT_STATE": str(self.made / "state"),
                PASSWORD_VARIABLE: SECRETS["database password"],
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=0,
            start_new_session=True,
        )
        with ProcessSampler(process.pid, self.secrets, [PASSWORD_VARIABLE]) as sampler:
            result = finish(process)
        assert result.code == code, result.out + result.err
        self.samples += sampler.samples
        self.leaks |= sampler.leaks
        self._look("output", (result.out + result.err).encode())
        return result

    def _look(self, where: str, data: bytes) -> None:
        rows = CanarySearch({"row": DATA["row"]})
        self.leaks.update(self.secrets.find(where, data), rows.find(where, data))

    def look_at_what_was_made(self, stored: Iterator[bytes] = iter(())) -> None:  # noqa: B008
        """Search every file that the commands made, and what a store holds."""
        everything = CanarySearch(SECRETS | DATA)
        self.leaks.update(everything.find_in_files(self.made))
        for data in stored:
            self.leaks.update(everything.find("store", data))


@pytest.fixture
def instances(mariadb_fleet: Fleet) -> tuple[Instance, Instance]:
    """Give two instances with an account that has the canary as password; one holds data."""
    source, target, *_ = mariadb_fleet.instances
    wipe(source, target)
    for instance in (source, target):
        run_all(
            instance,
            f"CREATE USER {USER}@localhost IDENTIFIED BY '{SECRETS['database password']}'",
            f"GRANT ALL ON *.* TO {USER}@localhost WITH GRANT OPTION",
        )
    run_all(
        source,
        "CREATE DATABASE data",
        f"CREATE TABLE data.{DATA['table']} (id INT PRIMARY KEY, v VARCHAR(99))",
        f"INSERT INTO data.{DATA['table']} SELECT seq, '{DATA['row']}' FROM data.seq_1_to_1000",
    )
    return source, target


def live(canaries: Canaries) -> None:
    """Use the commands that have to do with secrets or rows."""
    key = canaries.made / "repo.key"
    canaries.run("init")
    canaries.run("backup")
    canaries.run("list", "--format", "json")
    canaries.run("show", "latest", "--format", "json")
    canaries.run("verify", "latest")
    canaries.run("restore", "latest", "--target", canaries.target, "--format", "json")
    canaries.run("key", "add", "--label", "second", "--file", str(key))
    canaries.run("key", "rotate", "second", "--file", str(canaries.made / "third.key"))
    canaries.run("key", "list", "--format", "json")


def assert_restored(instances: tuple[Instance, Instance]) -> None:
    rows = query(instances[1], f"SELECT COUNT(*) FROM data.{DATA['table']}")
    assert rows == [(1000,)]


def key_files(canaries: Canaries) -> CanarySearch:
    """Look for what the key files hold; they themselves are where it must be."""
    names = ("repo.key", "third.key")
    return CanarySearch({name: (canaries.made / name).read_text().strip() for name in names})


def test_no_secret_leaves_its_place_with_an_object_store(
    tmp_path: Path, instances: tuple[Instance, Instance], bucket_server: BucketServer
) -> None:
    place = {
        "url": f"s3://{BUCKET}/canaries",
        "endpoint": bucket_server.endpoint,
        "region": "default",
        "credentials": {"user": "tester", "secret": {"file": str(tmp_path / "store secret")}},
        "key": {"passphrase": {"file": str(tmp_path / "passphrase")}},
    }
    canaries = Canaries(tmp_path, instances, place)
    live(canaries)
    bucket_server.script = lambda method, name: Refusal(403, "SignatureDoesNotMatch")
    canaries.run("backup", code=1)
    assert_restored(instances)
    canaries.look_at_what_was_made(iter(bucket_server.objects.values()))
    for data in bucket_server.objects.values():
        canaries.leaks.update(key_files(canaries).find("store", data))
    assert canaries.leaks == set()
    assert canaries.samples > 1000
    assert find_open_to_others(canaries.made) == []


def test_no_secret_leaves_its_place_with_a_local_store(
    tmp_path: Path, instances: tuple[Instance, Instance]
) -> None:
    place = {
        "url": f"file://{tmp_path}/made/repository",
        "key": {"passphrase": {"file": str(tmp_path / "passphrase")}},
    }
    canaries = Canaries(tmp_path, instances, place)
    canaries.run("init")
    canaries.run("backup", "--format", "json")
    (tmp_path / "passphrase").write_text("not the passphrase")
    canaries.run("backup", code=12)
    canaries.look_at_what_was_made()
    assert canaries.leaks == set()
    assert find_open_to_others(canaries.made) == []


def test_a_planted_leak_is_found(tmp_path: Path) -> None:
    """Negative control: in arguments, environment and files."""
    search = CanarySearch(SECRETS)
    process = subprocess.Popen(
        ["sh", "-c", "sleep 0.3; : " + SECRETS["passphrase"]],
        env={"PLANTED": SECRETS["store secret"]},
        start_new_session=True,
    )
    with ProcessSampler(process.pid, search) as sampler:
        process.wait(10)
    assert {"passphrase in arguments", "store secret in environment"} <= sampler.leaks
    planted = tmp_path / "planted"
    planted.write_text(SECRETS["passphrase"].encode().hex())
    assert list(search.find_in_files(tmp_path)) == [f"passphrase in {planted}"]
    assert find_open_to_others(tmp_path) != []
