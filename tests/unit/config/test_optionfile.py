from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault.config.optionfile import parse_options, read_option_file, read_option_password
from shardvault.errors import ConfigError
from shardvault.model.target import Endpoint, TlsOptions

WHERE = "shop.yaml:2: fleet.option_file"


def write(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "backup.cnf"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


# What my_print_defaults of MariaDB 10.11 gives for the same lines.
@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("password=x", "x"),
        ("  password =  x  ", "x"),
        ("password=ab#c", "ab"),
        ('password="ab#c"', "ab#c"),
        ("password='a\"b'", 'a"b'),
        (r'password="a\"b"', 'a"b'),
        (r"password=a\sb\tc\\d\q", "a b\tc\\d\\q"),
        ('password = "  lead " # note', "  lead "),
        ('password="a\'b"x', '"a\'b"x'),
        ("password=", ""),
        ('password=""', ""),
        ('password="', '"'),
        ('password=a"b#c"d', 'a"b#c"d'),
        ("password=ab\\", "ab\\"),
        ('password="a\\\\"#b', "a\\"),
        ("password='it''s'", "it''s"),
        ("password=a=b", "a=b"),
        ("password=x ; y", "x ; y"),
        ("password=x\r", "x"),
        ("password=first\npassword=last", "last"),
        ("#password=x\n;password=y\n\npassword=z", "z"),
    ],
)
def test_a_line_is_read_as_the_servers_own_tools_read_it(line: str, value: str) -> None:
    assert parse_options(f"[client]\n{line}\n") == {"client": {"password": value}}


def test_the_section_of_shardvault_wins_wherever_it_stands(tmp_path: Path) -> None:
    text = "[shardvault]\nuser=ours\n[client]\nuser=any\nport=3307\n[mysqld]\nport=1\n"
    file = read_option_file(write(tmp_path, text), WHERE)
    assert (file.user, file.port) == ("ours", 3307)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user=x\n", ":1: option before the first section"),
        ("[client]\n!includedir /etc\n", ":2: !include is not supported"),
        ("\n[client\n", ":2: section without ]"),
        ("[client]\nport=x\n", ": port is not a port number"),
        ("[client]\nport=99999\n", ": port is not a port number"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_option_file(path, WHERE)
    assert str(caught.value) == f"{WHERE}: {path}{message}"


@given(st.text())
def test_no_text_whatever_causes_anything_but_a_configuration_error(text: str) -> None:
    try:
        sections = parse_options(text)
    except ConfigError:
        return
    assert all(key == key.replace("_", "-") for section in sections.values() for key in section)


def test_a_password_is_not_kept_and_is_read_again_when_needed(tmp_path: Path) -> None:
    path = write(tmp_path, "[client]\npassword=hunter2\n")
    file = read_option_file(path, WHERE)
    assert file.has_password
    assert "hunter2" not in repr(file)
    assert read_option_password(path, WHERE) == "hunter2"
    write(tmp_path, "[client]\n")
    with pytest.raises(ConfigError, match="no password in it any more"):
        read_option_password(path, WHERE)


def test_a_file_open_to_others_is_refused_only_if_it_holds_a_password(tmp_path: Path) -> None:
    path = write(tmp_path, "[client]\nuser=x\n", 0o644)
    assert read_option_file(path, WHERE).user == "x"
    path = write(tmp_path, "[client]\npassword=hunter2\n", 0o644)
    with pytest.raises(ConfigError) as caught:
        read_option_file(path, WHERE)
    assert caught.value.hint == f"chmod 600 {path}"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ("", None),
        ("socket=/s", Endpoint(socket="/s")),
        ("host=h", Endpoint(host="h")),
        ("host=localhost\nsocket=/s", Endpoint(socket="/s")),
        ("host=h\nsocket=/s", Endpoint(host="h")),
    ],
)
def test_a_remote_host_comes_before_the_socket(
    tmp_path: Path, options: str, place: Endpoint | None
) -> None:
    assert read_option_file(write(tmp_path, f"[client]\n{options}\n"), WHERE).place == place


@pytest.mark.parametrize(
    ("options", "tls"),
    [
        ("", None),
        ("ssl", TlsOptions()),
        ("ssl=0", None),
        ("ssl_ca=/c", TlsOptions("/c")),
        ("ssl-cert=/c\nssl-key=/k", TlsOptions(None, "/c", "/k")),
        ("ssl-ca=/c\nskip-ssl", None),
        ("ssl-ca=/c\nssl-mode=DISABLED", None),
        ("ssl-mode=VERIFY_IDENTITY", TlsOptions()),
        ("ssl-ca=/c\nssl-mode=VERIFY_CA", TlsOptions("/c", verify_identity=False)),
        ("ssl-ca=/c\nssl-verify-server-cert=0", TlsOptions("/c", verify_identity=False)),
        ("ssl-ca=/c\nssl-verify-server-cert", TlsOptions("/c")),
    ],
)
def test_identity_is_checked_over_tls_unless_the_file_says_otherwise(
    tmp_path: Path, options: str, tls: TlsOptions | None
) -> None:
    assert read_option_file(write(tmp_path, f"[client]\n{options}\n"), WHERE).tls == tls
