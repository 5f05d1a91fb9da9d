"""Manage the keys of the configured repository."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from shardvault.app.building import load, open_configured
from shardvault.app.openers import NewKey, new_closer, remember_heads
from shardvault.app.stores import open_store
from shardvault.errors import UsageError
from shardvault.model.report import (
    Finding,
    IdentityReport,
    KeyChangeReport,
    KeyEntry,
    KeysReport,
    PaperReport,
    Severity,
)
from shardvault.operations.check import warn_of_slots
from shardvault.repository.afterwards import warn_only
from shardvault.repository.format import IDENTITY_PREFIX, KEY_BYTES, RECIPIENT_PREFIX
from shardvault.repository.keychain import Keychain
from shardvault.repository.keyfiles import create_private_line, format_line
from shardvault.repository.paper import read_paper, write_paper
from shardvault.repository.sealing import public_half
from shardvault.repository.slots import Slot
from shardvault.repository.sources import Source
from shardvault.repository.store import open_with_paper
from shardvault.storage.append_only import refuse_deletion


def list_keys(config: str | None = None, *, repository: str | None = None) -> KeysReport:
    """List every key of the repository, and warn if only one opens it."""
    opened = open_configured(load(config, repository))
    chain = opened.keychain()
    keys = chain.list()
    damaged = (
        Finding(Severity.BLOCKER, "repository", "keys", error.message, error.hint or "")
        for error in keys.damaged
    )
    return KeysReport(
        repository_id=opened.id,
        fingerprint=chain.fingerprint,
        keys=tuple(map(_describe, keys.all)),
        findings=(*damaged, *warn_of_slots(len(keys.slots))),
    )


def add_key(
    label: str,
    config: str | None = None,
    *,
    repository: str | None = None,
    file: str | None = None,
    passphrase: Callable[[], str] | None = None,
    recipient: str | None = None,
    command: Sequence[str] = (),
) -> KeyChangeReport:
    """Let one more key open the repository; exactly one kind.

    Args:
        label: for people, to tell the key from others.
        config: the file that names the repository and a key that opens it.
        repository: which of its repositories, by name or URL; None = the first.
        file: where a new key file is made.
        passphrase: is called for the passphrase.
        recipient: file with the public key of an identity.
        command: program and arguments that print a key of 32 bytes.
    """
    chain = open_configured(load(config, repository)).keychain()
    with new_closer(NewKey(file, passphrase, recipient, command)) as closer:
        name = chain.add(closer, label)
    return _report("added", chain, name, label, file)


def add_source(
    label: str, file: str, config: str | None = None, *, repository: str | None = None
) -> KeyChangeReport:
    """Make a source file: with it backups can be added and none be read.

    Args:
        label: for people, to tell the source from others.
        file: where the source file is made; copy it to the source and delete it here.
        config: the file that names the repository and a key that opens it.
        repository: which of its repositories, by name or URL; None = the first.
    """
    chain = open_configured(load(config, repository)).keychain()
    return _report("added", chain, chain.add_source(label, Path(file)), label, file)


def remove_key(
    key: str,
    config: str | None = None,
    *,
    repository: str | None = None,
    forget_backups: bool = False,
) -> KeyChangeReport:
    """Remove a key by id or label; of a source, refuse what it adds from now on.

    The key that opens the last slot is never removed. Whoever had the key may have kept the
    master key: see docs/threat-model.md.

    Args:
        key: id or label; of a source that was removed before, too.
        config: the file that names the repository and a key that opens it.
        repository: which of its repositories, by name or URL; None = the first.
        forget_backups: take every backup of a source out of the catalog, but those that are
            held; the next prune frees their space.
    """
    from shardvault.operations.forget import forget_source

    loaded = load(config, repository)
    if loaded.require_repository().append_only:
        raise refuse_deletion("remove a key")
    opened = open_configured(loaded)
    chain = opened.keychain()
    found = chain.find(key)
    if forget_backups and not isinstance(found, Source):
        raise UsageError(f"{key!r} is not a source", hint="only sources have backups of their own")
    chain.remove(found)
    report = KeyChangeReport("removed", _describe(found))
    if not forget_backups:
        return report
    done = forget_source(opened, found.name)
    return replace(report, forgotten=done.backups, held=done.held)


def rotate_key(
    key: str,
    config: str | None = None,
    *,
    repository: str | None = None,
    file: str | None = None,
    passphrase: Callable[[], str] | None = None,
    recipient: str | None = None,
    command: Sequence[str] = (),
) -> KeyChangeReport:
    """Replace a key, by id or label, with a new one of the same label; see ``add_key``."""
    loaded = load(config, repository)
    if loaded.require_repository().append_only:
        raise refuse_deletion("replace a key")
    chain = open_configured(loaded).keychain()
    found = chain.find(key)
    if isinstance(found, Source):
        raise UsageError("a source is not replaced", hint="add a new one, then remove the old one")
    with new_closer(NewKey(file, passphrase, recipient, command)) as closer:
        name = chain.rotate(found, closer)
    return _report("replaced", chain, name, found.label, file)


def export_key(config: str | None = None, *, repository: str | None = None) -> PaperReport:
    """Write the master key in lines for paper."""
    opened = open_configured(load(config, repository))
    chain = opened.keychain()
    return PaperReport(opened.id, chain.fingerprint, write_paper(chain.export()))


def recover_key(
    paper: str, label: str, file: str, config: str | None = None, *, repository: str | None = None
) -> KeyChangeReport:
    """Make a key file from what was typed off the paper; the configured key is not needed.

    Args:
        paper: the lines that ``export_key`` gave; whatever stands around them is ignored.
        label: of the new key.
        file: where the new key file is made.
        config: the file that names the repository.
        repository: which of its repositories, by name or URL; None = the first.
    """
    loaded = load(config, repository)
    memory = remember_heads(loaded.require_repository().url)
    chain = open_with_paper(open_store(loaded), read_paper(paper), memory=memory).keychain()
    with new_closer(NewKey(file=file)) as closer:
        name = chain.add(closer, label)
    return _report("added", chain, name, label, file)


def make_identity(file: str) -> IdentityReport:
    """Make an identity file; its public recipient is all that ``add_key`` needs."""
    private = secrets.token_bytes(KEY_BYTES)
    create_private_line(Path(file), IDENTITY_PREFIX, private)
    return IdentityReport(file, format_line(RECIPIENT_PREFIX, public_half(private)))


def _report(
    change: str, chain: Keychain, name: str, label: str, file: str | None
) -> KeyChangeReport:
    """Describe the key that was made, with less if it cannot be read again now."""
    entry = KeyEntry(name.rpartition("/")[2], "", label, "")
    with warn_only():
        entry = _describe(next(key for key in chain.list().all if key.name == name))
    return KeyChangeReport(change, entry, file or "")


def _describe(key: Slot | Source) -> KeyEntry:
    word = key.name.rpartition("/")[2]
    if isinstance(key, Source):
        return KeyEntry(word, "source", key.label, key.created, key.is_revoked)
    return KeyEntry(word, key.kind.name.lower(), key.label, key.created)
