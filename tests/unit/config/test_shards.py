from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.config.load import load_config
from shardvault.config.shards import build_shards
from shardvault.errors import ConfigError
from shardvault.model.target import Endpoint, Shard, TlsOptions


def build(folder: Path, fleet: str) -> tuple[Shard, ...]:
    path = folder / "shop.yaml"
    path.write_text(f"fleet:\n  name: shop\n{fleet}\n", encoding="utf-8")
    return build_shards(load_config(path))


def write_options(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def refusal(folder: Path, fleet: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        build(folder, fleet)
    return caught.value


def test_the_fleets_login_is_every_shards_unless_it_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET", "fleet-password")
    monkeypatch.setenv("OWN", "own-password")
    shards = build(
        tmp_path,
        "  user: all\n  password: {env: FLEET}\n  shards:\n"
        "    - {name: s0, primary: {host: a}}\n"
        "    - {name: s1, user: own, password: {env: OWN}, primary: {host: b}}",
    )
    logins = [(shard.login.user, shard.login.password()) for shard in shards]
    assert logins == [("all", "fleet-password"), ("own", "own-password")]
    assert "password" not in repr(shards)


def test_a_password_is_not_looked_up_while_shards_are_built(tmp_path: Path) -> None:
    (shard,) = build(
        tmp_path,
        "  user: u\n  password: {file: missing}\n  shards: [{name: s0, primary: {host: a}}]",
    )
    with pytest.raises(ConfigError, match=r"shop\.yaml:4: fleet\.password: .*missing: No such"):
        shard.login.password()


def test_without_any_password_the_login_has_an_empty_one(tmp_path: Path) -> None:
    (shard,) = build(tmp_path, "  user: u\n  shards: [{name: s0, primary: {host: a}}]")
    assert shard.login.password() == ""


def test_a_shards_option_file_comes_before_the_fleet_and_the_fleets_option_file_last(
    tmp_path: Path,
) -> None:
    write_options(tmp_path, "fleet.cnf", "[client]\nuser=f\npassword=fp\nport=3309\nssl-ca=/c\n")
    write_options(tmp_path, "s1.cnf", "[client]\nuser=own\nsocket=/run/s1.sock\n")
    s0, s1, s2 = build(
        tmp_path,
        "  user: all\n  option_file: fleet.cnf\n  shards:\n"
        "    - {name: s0, primary: {host: a}}\n"
        "    - {name: s1, option_file: s1.cnf}\n"
        "    - {name: s2, user: mine, primary: {host: b, port: 1, tls: {verify_identity: false}}}",
    )
    assert [shard.login.user for shard in (s0, s1, s2)] == ["all", "own", "mine"]
    assert {shard.login.password() for shard in (s0, s1, s2)} == {"fp"}
    assert s0.primary == Endpoint("a", 3309, tls=TlsOptions("/c"))
    assert s1.primary.socket == "/run/s1.sock"
    assert s2.primary == Endpoint("b", 1, tls=TlsOptions(verify_identity=False))


def test_a_password_in_a_section_comes_before_the_one_in_its_option_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PW", "from-env")
    write_options(tmp_path, "f.cnf", "[client]\nuser=u\npassword=from-file\n")
    (shard,) = build(
        tmp_path,
        "  option_file: f.cnf\n  password: {env: PW}\n  shards: [{name: s0, primary: {host: a}}]",
    )
    assert shard.login.password() == "from-env"


def test_a_place_in_the_file_comes_before_every_option_file(tmp_path: Path) -> None:
    write_options(tmp_path, "f.cnf", "[client]\nuser=u\nsocket=/run/mysqld.sock\n")
    (shard,) = build(tmp_path, "  option_file: f.cnf\n  shards: [{name: s0, primary: {host: a}}]")
    assert shard.primary == Endpoint("a")


def test_a_replica_is_reached_as_its_primary_is_secured(tmp_path: Path) -> None:
    (shard,) = build(
        tmp_path,
        "  user: u\n  shards:\n    - name: s0\n"
        "      primary: {host: a, port: 3307, tls: {ca: /c}}\n"
        "      replicas: [{host: b}, {host: c, port: 3308, tls: {}}]",
    )
    assert shard.replicas == (
        Endpoint("b", 3306, tls=TlsOptions("/c")),
        Endpoint("c", 3308, tls=TlsOptions()),
    )


@pytest.mark.parametrize(
    ("fleet", "message"),
    [
        ("  shards: [{name: s0, primary: {host: a}}]", ":3: fleet.shards[0]: no user"),
        (
            "  user: u\n  shards: [{name: s0}]",
            ":4: fleet.shards[0].primary: no host and no socket",
        ),
        (
            "  user: u\n  shards: [{name: s0, primary: {host: a}, replicas: [{port: 1}]}]",
            ":4: fleet.shards[0].replicas[0]: no host and no socket",
        ),
    ],
)
def test_a_shard_that_cannot_be_reached_is_refused_with_its_line(
    tmp_path: Path, fleet: str, message: str
) -> None:
    error = refusal(tmp_path, fleet)
    assert str(error) == f"{tmp_path / 'shop.yaml'}{message}"
    assert error.hint


def test_a_missing_option_file_is_refused_with_the_line_that_names_it(tmp_path: Path) -> None:
    error = refusal(tmp_path, "  option_file: f.cnf\n  shards: [{name: s0, primary: {host: a}}]")
    assert "shop.yaml:3: fleet.option_file: " in str(error)
    assert str(error).endswith("f.cnf: No such file or directory")
