from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault.config import document
from shardvault.config.load import find_config, load_config
from shardvault.config.reference import EXAMPLE
from shardvault.config.schema import Config
from shardvault.errors import ConfigError

GOOD = "fleet: {name: shop, user: u, shards: [{name: s0, primary: {host: h}}]}\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "shop.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def load(folder: Path, text: str) -> Config:
    return load_config(write(folder, text))


def refusal(folder: Path, text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text))
    return caught.value


def fleet(body: str) -> str:
    return (
        f"fleet:\n  name: shop\n  user: u\n  shards: [{{name: s0, primary: {{host: h}}}}]\n{body}"
    )


ONE_PROBLEM = {
    "unknown key of a shard": (
        "fleet:\n  name: shop\n  shards:\n    - name: s0\n      primry: {host: h}\n",
        "5: fleet.shards[0].primry: unknown key",
        "did you mean 'primary'?",
    ),
    "wrong key of a copy": (
        GOOD + "repository:\n  - {url: 'file:///a', key: {file: k}}\n"
        "  - {url: 'file:///b', key: {file: k}, mirro: true}\n",
        "4: repository[1].mirro: unknown key",
        "did you mean 'mirror'?",
    ),
    "an empty list of repositories": (
        GOOD + "repository: []\n",
        "2: repository: must not be empty",
        None,
    ),
    "a mirror of nothing": (
        GOOD + "repository: {url: 'file:///a', key: {file: k}, mirror: true}\n",
        "1: the first repository is a mirror",
        "begin with the one that it mirrors",
    ),
    "two repositories at one place": (
        GOOD + "repository:\n  - {url: 'file:///a', key: {file: k}}\n"
        "  - {url: 'file:///a', name: b, key: {file: k}}\n",
        "1: two repositories have the same name or url",
        None,
    ),
    "unknown key at the top": (
        GOOD + "repositry: {}\n",
        "2: repositry: unknown key",
        "did you mean 'repository'?",
    ),
    "unknown key that resembles nothing": (
        GOOD + "limits: {xyz: 1}\n",
        "2: limits.xyz: unknown key",
        "known here: threads, sessions_per_shard",
    ),
    "unknown key of tls in a replica": (
        fleet("").replace(
            "primary: {host: h}",
            "primary: {host: h}, replicas: [{host: r, tls: {verify_identiy: true}}]",
        ),
        "4: fleet.shards[0].replicas[0].tls.verify_identiy: unknown key",
        "did you mean 'verify_identity'?",
    ),
    "missing key": ("fleet: {shards: []}\n", "1: fleet.name: is missing", None),
    "empty file": ("", "1: expected a map", None),
    "list instead of a map": ("- fleet\n", "1: expected a map", None),
    "empty section": ("fleet:\n", "1: fleet: expected a map", None),
    "map instead of a list": (
        "fleet:\n  name: shop\n  shards: {name: s0}\n",
        "3: fleet.shards: expected a list",
        None,
    ),
    "number instead of text": (
        fleet("").replace("user: u", "user: 12"),
        "3: fleet.user: expected text",
        "put it in quotes",
    ),
    "date instead of text": (
        fleet("").replace("user: u", "user: 2026-01-01"),
        "3: fleet.user: expected text",
        "put it in quotes",
    ),
    "text instead of a number": (
        GOOD + "limits: {threads: four}\n",
        "2: limits.threads: expected a whole number",
        None,
    ),
    "yes is no boolean in YAML 1.2": (
        fleet("  tables: [{logical: a, nodes: s0.a.b, broadcast: yes}]"),
        "5: fleet.tables[0].broadcast: expected true or false",
        None,
    ),
    "boolean instead of a number": (
        GOOD + "backup: {barrier: {limit_s: true}}\n",
        "2: backup.barrier.limit_s: expected a number",
        None,
    ),
    "not a number": (
        GOOD + "backup: {barrier: {limit_s: .nan}}\n",
        "2: backup.barrier.limit_s: expected a finite number",
        None,
    ),
    "limit of nothing": (
        GOOD + "backup: {barrier: {limit_s: 0}}\n",
        "2: backup.barrier.limit_s: must be above 0",
        None,
    ),
    "limit too long": (
        GOOD + "backup: {barrier: {limit_s: 5}}\n",
        "2: backup.barrier.limit_s: must be below 5",
        None,
    ),
    "lease within the limit": (
        GOOD + "backup:\n  barrier: {limit_s: 3, lease_s: 3}\n",
        "3: backup.barrier: lease_s is not above limit_s",
        "a lease must outlive the barrier",
    ),
    "level too high": (
        GOOD + "backup: {zstd_level: 99}\n",
        "2: backup.zstd_level: must be at most 19",
        None,
    ),
    "no sessions": (
        GOOD + "limits: {sessions_per_shard: 0}\n",
        "2: limits.sessions_per_shard: must be at least 1",
        None,
    ),
    "port out of range": (
        fleet("").replace("host: h", "host: h, port: 70000"),
        "4: fleet.shards[0].primary.port: must be at most 65535",
        None,
    ),
    "port inside the host": (
        fleet("").replace("host: h", "host: 'h:3307'"),
        "4: fleet.shards[0].primary.host: holds a port",
        "write host: h, port: 3307",
    ),
    "host with a blank": (
        fleet("").replace("host: h", "host: '-h x'"),
        "4: fleet.shards[0].primary.host: not a host name or address",
        None,
    ),
    "host and socket": (
        fleet("").replace("host: h", "host: h, socket: /s"),
        "4: fleet.shards[0].primary: socket stands beside host or port",
        "keep one way to reach the instance",
    ),
    "certificate without key": (
        fleet("").replace("host: h", "host: h, tls: {cert: /c}"),
        "4: fleet.shards[0].primary.tls: cert and key need each other",
        None,
    ),
    "shard name with a dot": (
        fleet("").replace("name: s0", "name: s.0"),
        "4: fleet.shards[0].name: not a name",
        "use 1 to 64 of the characters A-Z a-z 0-9 _ -",
    ),
    "empty text": (
        fleet("").replace("user: u", "user: ''"),
        "3: fleet.user: must not be empty",
        None,
    ),
    "repository without a scheme": (
        GOOD + "repository: {url: /var/backups, key: {file: k}}\n",
        "2: repository.url: not a URL",
        "write one such as file:///var/backups/shop",
    ),
    "repository without a key": (
        GOOD + "repository: {url: 'file:///b'}\n",
        "2: repository.key: is missing",
        None,
    ),
    "unknown home folder": (
        GOOD + "repository: {url: 'file:///b', key: {file: ~nobody-here/k}}\n",
        "2: repository.key.file: the home folder of ~ is unknown",
        "write the path in full",
    ),
    "empty command": (
        fleet("  password: {command: []}"),
        "5: fleet.password.command: must not be empty",
        None,
    ),
    "unknown source of a password": (
        fleet("  password: {option_file: /b}"),
        "5: fleet.password: unknown key",
        "known are env, file, command; option_file stands beside password",
    ),
    "two sources of a password": (
        fleet("  password: {env: A, file: /b}"),
        "5: fleet.password: one of env, file, command is needed",
        None,
    ),
    "no source of a password": (
        fleet("  password: {}"),
        "5: fleet.password: one of env, file, command is needed",
        None,
    ),
    "empty option": (
        GOOD + "limits:\n  threads:\n",
        "3: limits.threads: has no value",
        "give it one, or leave it out",
    ),
    "empty password": (
        fleet("  password:\n"),
        "5: fleet.password: has no value",
        "give it one, or leave it out",
    ),
    "key twice": (
        GOOD + "limits:\n  threads: 1\n  threads: 2\n",
        "4: limits.threads: stands twice, first in line 3",
        None,
    ),
    "key that is a number": (GOOD + "3: x\n", "1: a key is not text", "put it in quotes"),
    "merge key": (
        GOOD + "limits: {<<: {threads: 1}}\n",
        "2: limits: merge keys (<<) are not supported",
        None,
    ),
    "python tag": (
        fleet("").replace("user: u", "user: !!python/object/apply:os.system [id]"),
        "3: fleet.user: tags (!) are not allowed",
        "put text that begins so in quotes",
    ),
    "NUL character": (
        fleet("").replace("user: u", 'user: "a\\0b"'),
        "3: fleet.user: holds a NUL character",
        None,
    ),
    "number of many digits": (
        GOOD + f"limits: {{threads: {'9' * 5000}}}\n",
        "2: limits.threads: cannot be read",
        "put it in quotes",
    ),
    "unclosed bracket": (
        "fleet: {name: shop\n",
        "2: not YAML: expected ',' or '}', but got '<stream end>'",
        None,
    ),
    "tab as indent": (
        "fleet:\n\tname: shop\n",
        "2: not YAML: found character '\\t' that cannot start any token",
        None,
    ),
    "two documents": (GOOD + "---\n" + GOOD, "2: not YAML: but found another document", None),
    "control character": (GOOD + "\x01", "1: not YAML: holds a control character", None),
    "not UTF-8": (GOOD.encode() + b"x: \xff\n", "2: not UTF-8 text", None),
    "deep nesting": ("[" * 5000, "1: nested deeper than 50", None),
    "nesting just beyond the limit": (
        "x: " + "[" * 60 + "]" * 60,
        "1: nested deeper than 50",
        None,
    ),
    "recursive alias": ("x: &a [*a]\n", "1: nested deeper than 50", None),
    "alias bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
            for before, name in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "1: more than 200000 values, aliases expanded",
        None,
    ),
}


@pytest.mark.parametrize(("text", "message", "hint"), ONE_PROBLEM.values(), ids=ONE_PROBLEM.keys())
def test_a_wrong_file_is_explained_with_line_and_remedy(
    tmp_path: Path, text: str | bytes, message: str, hint: str | None
) -> None:
    error = refusal(tmp_path, text)
    assert (str(error), error.hint) == (f"{tmp_path / 'shop.yaml'}:{message}", hint)
    assert error.exit_code == 2


def test_all_problems_of_a_file_are_reported_together_in_line_order(tmp_path: Path) -> None:
    text = (
        "fleet:\n  nme: shop\n  shards:\n    - {name: s0, primary: {hst: h}}\n"
        "    - {nam: s1}\nlimits: {threads: x}\nbackup: {zstd_level: !x 1}\n"
    )
    error = refusal(tmp_path, text)
    assert str(error).replace(str(tmp_path) + "/", "").splitlines() == [
        "shop.yaml:1: fleet.name: is missing",
        "shop.yaml:2: fleet.nme: unknown key (did you mean 'name'?)",
        "shop.yaml:4: fleet.shards[0].primary.hst: unknown key (did you mean 'host'?)",
        "shop.yaml:5: fleet.shards[1].name: is missing",
        "shop.yaml:5: fleet.shards[1].nam: unknown key (did you mean 'name'?)",
        "shop.yaml:6: limits.threads: expected a whole number",
        "shop.yaml:7: backup.zstd_level: tags (!) are not allowed "
        "(put text that begins so in quotes)",
    ]


@pytest.mark.parametrize(
    "password",
    [
        "hunter2-secret",
        "'hunter2-secret'",
        "[hunter2-secret]",
        "{hunter2-secret}",
        "{env: {hunter2-secret: 1}}",
        "*hunter2-secret",
        "!hunter2-secret x",
        "!hunter2-secret!x y",
        "@hunter2-secret",
        "%hunter2-secret",
        '"hunter2-secret',
        "x: hunter2-secret",
        "hunter2-secret: x",
        "|hunter2-secret",
        "&hunter2-secret",
    ],
)
def test_a_password_written_into_the_file_is_refused_and_never_repeated(
    tmp_path: Path, password: str
) -> None:
    error = refusal(tmp_path, fleet(f"  password: {password}\n"))
    assert "hunter2" not in f"{error}{error.hint}{error!r}"
    assert error.__cause__ is None


def test_a_plain_password_is_refused_with_the_three_ways_to_refer_to_one(tmp_path: Path) -> None:
    error = refusal(tmp_path, fleet("  password: 1234\n"))
    assert "fleet.password: a password must not stand in this file" in str(error)
    assert error.hint == "refer to it: {env: NAME}, {file: PATH} or {command: [PROGRAM, ARGUMENT]}"


def test_the_documented_example_is_a_good_file(tmp_path: Path) -> None:
    config = load(tmp_path, EXAMPLE)
    assert [shard.name for shard in config.fleet.shards] == ["s0", "s1"]
    assert config.fleet.shards[1].replicas[0].host == "10.0.0.3"
    assert config.fleet.tables[0].rule == {"mod": 8}
    assert config.require_repository().url == "file:///var/backups/shop"


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)
    barrier = config.backup.barrier
    assert (barrier.limit_s, barrier.lease_s, barrier.attempts) == (2.0, 3, 5)
    assert (config.backup.zstd_level, config.limits.sessions_per_shard) == (1, 4)
    assert config.limits.threads is None


def test_a_target_file_needs_no_repository_until_it_is_asked_for(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=r"shop\.yaml:1: section repository is missing"):
        config.require_repository()


def test_relative_paths_are_taken_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/dba")
    text = GOOD.replace("user: u", "option_file: ~/my.cnf, password: {file: pw}")
    config = load(tmp_path, text + "repository: {url: 'file:///b', key: {file: /k/shop.key}}\n")
    assert config.fleet.option_file == "/home/dba/my.cnf"
    assert config.fleet.password is not None
    assert config.fleet.password.file == str(tmp_path / "pw")
    assert config.require_repository().key.file == "/k/shop.key"


def test_a_place_is_located_by_its_line_or_that_of_its_section(tmp_path: Path) -> None:
    config = load(tmp_path, fleet("  tables:\n    - logical: a\n      nodes: s0.a.b\n"))
    file = tmp_path / "shop.yaml"
    where = ("fleet", "tables", 0, "nodes")
    assert config.locate(where) == f"{file}:7: fleet.tables[0].nodes"
    assert config.locate((*where[:3], "key")) == f"{file}:6: fleet.tables[0].key"


def test_an_alias_may_be_used_twice(tmp_path: Path) -> None:
    text = (
        "fleet: {name: shop, shards: [{name: s0, primary: &p {port: 1}}, {name: s1, primary: *p}]}"
    )
    assert [shard.primary.port for shard in load(tmp_path, text).fleet.shards] == [1, 1]


def test_a_file_beyond_the_size_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", len(GOOD) - 1)
    assert str(refusal(tmp_path, GOOD)).endswith(f"shop.yaml:1: larger than {len(GOOD) - 1} bytes")


@given(st.text(st.sampled_from("fleet:{}[]&*!|>'\"-#?%@`, \n\t\0\ud800aé1.<~")) | st.binary())
def test_no_text_whatever_causes_anything_but_a_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    assert str(refusal(tmp_path_factory.getbasetemp(), data))


def test_the_file_given_is_taken_and_no_other(tmp_path: Path) -> None:
    assert find_config(str(write(tmp_path, GOOD))) == tmp_path / "shop.yaml"
    with pytest.raises(ConfigError, match=r"no configuration file: .*other\.yaml"):
        find_config(str(tmp_path / "other.yaml"))


def test_without_a_name_the_default_places_are_tried_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    system = tmp_path / "etc.yaml"
    monkeypatch.setattr("shardvault.config.load.DEFAULT_PATHS", (Path("shardvault.yaml"), system))
    with pytest.raises(ConfigError, match=r"no configuration file: shardvault\.yaml, "):
        find_config(None)
    system.touch()
    assert find_config(None) == system
    Path("shardvault.yaml").touch()
    assert find_config(None) == Path("shardvault.yaml")


def test_a_file_that_cannot_be_read_is_an_error_without_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


def test_neither_pydantic_nor_yaml_is_imported_before_a_file_is_loaded() -> None:
    script = (
        "import sys, shardvault.config.load, shardvault.config.secrets, shardvault.config.shards\n"
        "print(sorted({'pydantic', 'ruamel'} & {name.split('.')[0] for name in sys.modules}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
