"""Work out how each shard is reached and who logs in.

What a shard does not say itself comes from, in this order: its option file, the fleet
section, the fleet's option file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from shardvault.config.optionfile import OptionFile, read_option_file, read_option_password
from shardvault.config.problems import Where
from shardvault.config.secrets import Secret, open_secret
from shardvault.errors import ConfigError
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Login, Shard, TlsOptions

if TYPE_CHECKING:
    from shardvault.config.schema import Config, InstanceSection, LoginSection, TlsSection

DEFAULT_PORT = 3306


@dataclass(frozen=True)
class _Level:
    """Hold what one section, and the option file it names, say about connecting."""

    user: str | None
    password: Secret | None
    file: OptionFile | None


def build_shards(config: Config) -> tuple[Shard, ...]:
    """Describe every shard of the file, in its order; no password is looked up yet.

    Raises:
        ConfigError: an option file is unusable, or no user, host or socket is given.
    """
    fleet = _open_level(config, config.fleet, ("fleet",))
    return tuple(_build_shard(config, index, fleet) for index in range(len(config.fleet.shards)))


def _build_shard(config: Config, index: int, fleet: _Level) -> Shard:
    section = config.fleet.shards[index]
    where: Where = ("fleet", "shards", index)
    levels = (_open_level(config, section, where), fleet)
    files = [level.file for level in levels if level.file]
    primary = _build_primary(section.primary, files, config.locate((*where, "primary")))
    replicas = (
        _build_replica(replica, primary, config.locate((*where, "replicas", number)))
        for number, replica in enumerate(section.replicas)
    )
    login = _build_login(levels, config.locate(where))
    return Shard(ShardName(section.name), primary, login, tuple(replicas))


def _open_level(config: Config, section: LoginSection, where: Where) -> _Level:
    """Read the section's option file; what stands in the section itself comes first."""
    place = config.locate((*where, "option_file"))
    file = read_option_file(section.option_file, place) if section.option_file else None
    password = None
    if section.password is not None:
        password = open_secret(section.password, config.locate((*where, "password")))
    elif file is not None and file.has_password:
        password = Secret(f"file {file.path}", partial(read_option_password, file.path, place))
    return _Level(section.user or (file.user if file else None), password, file)


def _build_login(levels: Sequence[_Level], where: str) -> Login:
    user = next((level.user for level in levels if level.user), None)
    if user is None:
        raise ConfigError(f"{where}: no user", hint="set fleet.user, or user of the shard")
    password = next((level.password for level in levels if level.password), None)
    return Login(user, password) if password else Login(user)


def _build_primary(section: InstanceSection, files: Sequence[OptionFile], where: str) -> Endpoint:
    place = _read_place(section) or next((file.place for file in files if file.place), None)
    port = section.port or next((file.port for file in files if file.port), DEFAULT_PORT)
    tls = _read_tls(section.tls) or next((file.tls for file in files if file.tls), None)
    return replace(_require_place(place, where), port=port, tls=tls)


def _build_replica(section: InstanceSection, primary: Endpoint, where: str) -> Endpoint:
    place = _require_place(_read_place(section), where)
    tls = _read_tls(section.tls) or primary.tls
    return replace(place, port=section.port or DEFAULT_PORT, tls=tls)


def _read_place(section: InstanceSection) -> Endpoint | None:
    is_placed = section.host or section.socket
    return Endpoint(host=section.host, socket=section.socket) if is_placed else None


def _require_place(place: Endpoint | None, where: str) -> Endpoint:
    if place is None:
        raise ConfigError(f"{where}: no host and no socket", hint="set host and port, or socket")
    return place


def _read_tls(section: TlsSection | None) -> TlsOptions | None:
    if section is None:
        return None
    return TlsOptions(section.ca, section.cert, section.key, section.verify_identity)
