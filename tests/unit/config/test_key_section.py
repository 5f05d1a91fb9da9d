from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.config.load import load_config
from shardvault.errors import ConfigError


def _load(folder: Path, key: str) -> object:
    path = folder / "shop.yaml"
    path.write_text(
        "fleet: {name: shop, shards: []}\n"
        f"repository:\n  url: file:///backups\n  key: {{{key}}}\n"
    )
    return load_config(path).require_repository().key


@pytest.mark.parametrize(
    "key",
    ["file: a.key", "passphrase: {env: NAME}", "identity: dba.identity", "source: web1.source",
     "command: [vault, read, key]"],
)  # fmt: skip
def test_each_kind_of_key_is_accepted_alone(tmp_path: Path, key: str) -> None:
    section = _load(tmp_path, key)
    name = key.partition(":")[0]
    assert getattr(section, name)
    assert [word for word, value in vars(section).items() if value is not None] == [name]


@pytest.mark.parametrize("key", ["", "file: a.key, identity: b", "source: a, command: [x]"])
def test_no_key_or_more_than_one_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match="one of file, passphrase, identity, command, source"):
        _load(tmp_path, key)


def test_a_passphrase_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, "passphrase: canary")
    assert "canary" not in f"{caught.value}{caught.value.hint}"
    assert "must not stand in this file" in str(caught.value)
