"""Keep one empty data folder per server version, to be copied for every instance."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shardvault.model.position import Family
from tests.support.binaries import PROJECT, Binaries, Flavour, find_binaries

TEMPLATES = PROJECT / ".cache/templates"
BOOTSTRAP_LIMIT_S = 120.0
_RECIPE = "3"  # raise it when the bootstrap changes, so that old templates are not used
REDO_LOG = "--loose-innodb-redo-log-capacity=64M"  # since MySQL 8.0.30
_FIXED = "--lower-case-table-names="
_MARIADB_SCRIPTS = (
    "*_system_tables.sql",
    "*_performance_tables.sql",
    "*_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "*_sys_schema.sql",  # since 10.6
)
_MARIADB_FIRST = b"create database mysql;\nuse mysql;\nset @auth_root_socket=NULL;\n"
# Leave root@localhost and the owner of the sys schema; nobody logs in without a name.
_MARIADB_LAST = (
    b"delete from mysql.global_priv where Host <> 'localhost' or User = '';\n"
    b"delete from mysql.proxies_priv where Host <> 'localhost';\n"
)


class TemplateFailed(Exception):
    """Report a server that could not create its system tables."""


def copy_template(flavour: Flavour, folder: Path, options: Sequence[str] = ()) -> None:
    """Make a fresh data folder; the first call per server version creates the template.

    Args:
        options: of the server; those that MySQL takes at its first start only decide too.
    """
    template = ensure_template(flavour, _fixed_at_first(flavour, options))
    command = ("cp", "-R", "--reflink=auto", "--sparse=always", str(template), str(folder))
    subprocess.run(command, check=True, timeout=BOOTSTRAP_LIMIT_S)


def ensure_template(flavour: Flavour, fixed: tuple[str, ...] = ()) -> Path:
    """Return the template of a flavour, created once by whoever comes first.

    Args:
        fixed: options that a data folder keeps for ever.
    """
    binaries = find_binaries(flavour)
    template = TEMPLATES / f"{flavour.value}-{_fingerprint(binaries.program, fixed)}"
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    with _locked(TEMPLATES / f"{flavour.value}.lock"):
        if not template.exists():
            _create(flavour, binaries, template, fixed)
    return template


def _fixed_at_first(flavour: Flavour, options: Sequence[str]) -> tuple[str, ...]:
    """Pick the options that MySQL refuses to change once it has a data folder."""
    if flavour.family is not Family.MYSQL:
        return ()
    return tuple(option for option in options if option.startswith(_FIXED))


def server_user() -> tuple[str, ...]:
    """Return the option without which a server refuses to run as root."""
    return ("--user=root",) if os.geteuid() == 0 else ()


def _fingerprint(program: Path, fixed: tuple[str, ...]) -> str:
    stat = program.stat()
    text = " ".join((f"{_RECIPE} {program} {stat.st_size} {stat.st_mtime_ns}", *fixed))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _create(flavour: Flavour, binaries: Binaries, template: Path, fixed: tuple[str, ...]) -> None:
    part = template.with_suffix(".partial")
    shutil.rmtree(part, ignore_errors=True)
    if flavour.family is Family.MYSQL:
        _bootstrap_mysql(binaries, part, fixed)
    else:
        _bootstrap_mariadb(binaries, part)
    part.rename(template)


def _bootstrap_mysql(binaries: Binaries, folder: Path, fixed: tuple[str, ...]) -> None:
    options = ("--initialize-insecure", REDO_LOG, "--secure-file-priv=NULL")
    _run((*binaries.command, *_common(folder), *options, *fixed), b"")
    (folder / "auto.cnf").unlink()  # every copy makes a server_uuid of its own


def _bootstrap_mariadb(binaries: Binaries, folder: Path) -> None:
    folder.mkdir()
    scripts = [path for one in _MARIADB_SCRIPTS for path in sorted(binaries.share.glob(one))[:1]]
    text = b"\n".join([_MARIADB_FIRST, *(path.read_bytes() for path in scripts), _MARIADB_LAST])
    options = ("--bootstrap", "--enforce-storage-engine=", "--innodb-log-file-size=64M")
    # A server that starts removes the temporary tables of all others from a folder they share.
    with tempfile.TemporaryDirectory(prefix="sv-") as own:
        _run((*binaries.command, *_common(folder), *options, f"--tmpdir={own}"), text)


def _common(folder: Path) -> tuple[str, ...]:
    native_aio_off = "--innodb-use-native-aio=OFF"  # the kernel's aio slots are few
    return (f"--datadir={folder}", *server_user(), "--performance-schema=OFF", native_aio_off)


def _run(command: tuple[str, ...], text: bytes) -> None:
    done = subprocess.run(
        command, input=text, capture_output=True, check=False, timeout=BOOTSTRAP_LIMIT_S
    )
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace")[-2000:]
        raise TemplateFailed(f"{command[0]} ended with {done.returncode}:\n{tail}")
