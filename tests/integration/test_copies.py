"""Copy a repository to two places, and lose it by and by."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shardvault import app
from shardvault.errors import RefusedError, WrongKey
from shardvault.events import Noticed
from shardvault.model.report import CopyReport
from tests.integration.operations_support import (
    Lone,
    Steps,
    Vault,
    describe,
    finish,
    run_all,
    start_program,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.servers import Instance


@pytest.fixture
def source(mariadb_fleet: Fleet) -> Instance:
    wipe(*mariadb_fleet.instances[:2])
    source: Instance = mariadb_fleet.instances[0]
    run_all(source, "CREATE DATABASE data")
    for number in range(6):
        run_all(
            source,
            f"CREATE TABLE data.t{number} (id INT PRIMARY KEY, b BLOB)",
            f"INSERT INTO data.t{number} SELECT seq, RANDOM_BYTES(900) FROM data.seq_1_to_300",
        )
    return source


@pytest.fixture
def spare(mariadb_fleet: Fleet) -> Instance:
    spare: Instance = mariadb_fleet.instances[1]
    return spare


class Places(Vault):
    """Hold a repository, a copy of it with keys of its own, and a mirror."""

    def __init__(self, folder: Path, source: Instance) -> None:
        super().__init__(folder, Lone({"s0": source}))
        content = YAML().load(Path(self.config))
        first = {"name": "main", **content["repository"]}
        self.offsite, self.mirror = folder / "offsite", folder / "mirror"
        content["repository"] = [
            first,
            {"name": "offsite", "url": f"file://{self.offsite}", "key": {"file": "offsite.key"}},
            {**first, "name": "mirror", "url": f"file://{self.mirror}", "mirror": True},
        ]
        YAML().dump(content, Path(self.config))
        app.init(self.config)
        assert (self.offsite / "format").exists()

    def copy(self, **options: Any) -> CopyReport:
        """Copy as the command does."""
        return app.copy_repository((), self.config, **options)

    def restore_exactly(self, source: Instance, spare: Instance, **options: Any) -> Steps:
        """Restore, compare, and return the events."""
        wipe(spare)
        steps = Steps()
        report = self.restore(self.target(Lone({"s0": spare})), steps, **options)
        assert report.verified
        assert describe(spare, "data") == describe(source, "data")
        return steps


@pytest.fixture
def places(tmp_path: Path, source: Instance, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    places = Places(tmp_path, source)
    places.backup()
    return places


def _packs(repository: Path) -> list[Path]:
    return sorted(repository.glob("packs/*/*"))


def _size(repository: Path) -> int:
    """Add up all objects but leases, which every session writes."""
    kept = (path for path in repository.rglob("*") if "leases" not in path.parts)
    return sum(path.stat().st_size for path in kept if path.is_file())


def _damage(pack: Path, dice: random.Random) -> None:
    data = bytearray(pack.read_bytes())
    for _ in range(20):
        data[dice.randrange(42, len(data))] ^= 1 << dice.randrange(8)
    pack.chmod(0o600)
    pack.write_bytes(data)


def test_both_copies_restore_alone_and_help_a_damaged_repository_out(
    places: Places, source: Instance, spare: Instance
) -> None:
    report = places.copy()
    assert [(copy.repository, copy.mode) for copy in report.copies] == [
        ("offsite", "re-encrypted"),
        ("mirror", "mirror"),
    ]
    for name in ("offsite", "mirror"):
        places.restore_exactly(source, spare, repository=name)
        assert app.verify("latest", places.config, repository=name).status == "ok"
    dice = random.Random(7)
    for pack in _packs(places.repository):
        _damage(pack, dice)
    steps = places.restore_exactly(source, spare)
    told = [event.message for event in steps.events if isinstance(event, Noticed)]
    assert any("offsite helps out" in message for message in told)
    verified = places.verify()
    assert verified.status == "damaged"
    assert {finding.where for finding in verified.findings} == {"main"}


def test_without_the_copies_a_damaged_repository_does_not_restore(
    places: Places, spare: Instance
) -> None:
    places.copy()
    for pack in _packs(places.repository):
        pack.unlink()
    wipe(spare)
    words = ("restore", "latest", "--target", places.target(Lone({"s0": spare})), "--dry-run")
    assert places.run(*words, fail_at="repo.copies=off").code != 0
    assert places.run(*words).code == 0


def test_two_damaged_places_restore_what_neither_has_whole(
    places: Places, source: Instance, spare: Instance
) -> None:
    places.backup()
    places.copy()
    shutil.rmtree(places.offsite)
    one, other = _packs(places.repository), _packs(places.mirror)
    for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        (mine if number % 2 else theirs).unlink()
    places.restore_exactly(source, spare)


def test_a_repository_that_is_gone_altogether_is_restored_from_its_copy(
    places: Places, source: Instance, spare: Instance
) -> None:
    places.copy(to="offsite")
    shutil.rmtree(places.repository)
    steps = places.restore_exactly(source, spare)
    told = [event.message for event in steps.events if isinstance(event, Noticed)]
    assert any("main is passed over" in message for message in told)
    catalog = app.list_backups(places.config)
    assert len(catalog.backups) == 1
    assert [finding.where for finding in catalog.findings] == ["main"]


def test_a_second_copy_sends_nothing_and_a_later_one_only_what_changed(
    places: Places, source: Instance
) -> None:
    places.copy()
    sizes = [_size(place) for place in (places.offsite, places.mirror)]
    again = places.copy()
    assert [(copy.bytes_stored, copy.objects) for copy in again.copies] == [(0, 0), (0, 0)]
    assert [_size(place) for place in (places.offsite, places.mirror)] == sizes
    run_all(source, "INSERT INTO data.t0 VALUES (1000, RANDOM_BYTES(900))")
    places.backup()
    later = places.copy()
    assert all(0 < copy.bytes_stored < sizes[0] / 2 for copy in later.copies)
    assert app.verify("latest", places.config, repository="offsite").status == "ok"


@pytest.mark.parametrize("fail_at", ["repo.manifest=kill", "mirror.put=kill@3"])
def test_a_copy_that_is_killed_goes_on(
    places: Places, source: Instance, spare: Instance, fail_at: str
) -> None:
    words = ("repo", "copy", "--config", places.config)
    assert finish(start_program(*words, fail_at=fail_at)).code != 0
    assert finish(start_program(*words)).code == 0
    shutil.rmtree(places.repository)
    for name in ("offsite", "mirror"):
        assert app.verify("latest", places.config, repository=name).status == "ok"


def test_keys_of_repository_and_copy_open_nothing_but_their_own(places: Places) -> None:
    places.copy()
    content = YAML().load(Path(places.config))
    main, offsite, _ = content["repository"]
    main["key"], offsite["key"] = dict(offsite["key"]), dict(main["key"])
    crossed = places.folder / "crossed.yaml"
    YAML().dump(content, crossed)
    for name in ("main", "offsite"):
        with pytest.raises(WrongKey):
            app.list_backups(str(crossed), repository=name)


def test_each_copy_has_its_own_check_and_retention(places: Places) -> None:
    places.copy()
    (backup,) = app.list_backups(places.config).backups
    app.keep(backup.id, "for the auditor", places.config, repository="offsite")
    app.policy(places.config, keep="last=3", repository="offsite")
    assert app.policy(places.config) != app.policy(places.config, repository="offsite")
    assert app.check_repository(places.config, repository="offsite").status != "damaged"
    with pytest.raises(RefusedError, match="mirror"):
        app.policy(places.config, keep="last=3", repository="mirror")
