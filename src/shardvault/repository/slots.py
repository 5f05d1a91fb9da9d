"""Keep the master key in slots, each opened by something that people keep.

A slot holds the master key and the hash of the format object, so the store can alter
neither; its label stands in a note that whoever opens any slot can read and check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.clock import format_time, utc_now
from shardvault.errors import IntegrityError, UsageError, WrongKey
from shardvault.failpoints import failpoint
from shardvault.interfaces import Storage
from shardvault.repository.crypto import RandomBytes, decrypt, derive_key
from shardvault.repository.format import (
    CHECKSUM_BYTES,
    FORMAT_VERSION,
    KEY_BYTES,
    MAGIC,
    MAX_LABEL_BYTES,
    MAX_SLOTS,
    NAME_BYTES,
    SEALED_NONCE,
    SLOT_BODY_BYTES,
    SLOT_BYTES,
    SLOT_COST,
    SLOT_HEADER,
    SLOT_NOTE_BYTES,
    SLOT_PREFIX,
    ObjectType,
    SlotKind,
    associated_data,
)
from shardvault.repository.format_object import altered_format
from shardvault.repository.keys import KeyRing, make_key_ring
from shardvault.repository.openers import FREE, Closer, Cost, Opener

_MOST_NAMES = 10_000


@dataclass(frozen=True)
class Slot:
    """Describe a slot.

    Attributes:
        created: when it was made, RFC 3339; empty in a repository of version 1.
    """

    name: str
    kind: SlotKind
    label: str
    created: str


class _Note(msgspec.Struct, frozen=True):
    label: str
    created: str


@dataclass(frozen=True)
class _Parsed:
    """Hold the fields of a stored slot whose checksum is right."""

    name: str
    version: int
    kind: int
    salt: bytes
    cost: Cost
    header: bytes
    body: bytes
    note: bytes


def write_slot(
    storage: Storage,
    ring: KeyRing,
    closer: Closer,
    format_hash: bytes,
    random_bytes: RandomBytes,
    *,
    label: str,
) -> str:
    """Store the master key so that its owner opens it, and return the slot's name.

    Args:
        format_hash: SHA-256 of the stored format object.
    """
    refuse_label(label)
    name = SLOT_PREFIX + random_bytes(NAME_BYTES).hex()
    lock = closer.new_lock(random_bytes)
    header = SLOT_HEADER.pack(
        MAGIC, ring.version, ObjectType.SLOT, closer.kind, ring.repository, lock.salt
    ) + SLOT_COST.pack(*lock.cost)
    binding = ring.bind(ObjectType.SLOT, header + name.encode())
    body = AESGCM(lock.key).encrypt(SEALED_NONCE, ring.require_master() + format_hash, binding)
    note = msgspec.json.encode(_Note(label, format_time(utc_now()))).ljust(SLOT_NOTE_BYTES)
    binding = ring.bind(ObjectType.SLOT, header + body + name.encode())
    sealed = header + body + _note_cipher(ring, lock.salt).encrypt(SEALED_NONCE, note, binding)
    failpoint("key.slot")
    storage.put_new(name, [sealed, _checksum(name, sealed)])
    return name


def open_slots(storage: Storage, repository: bytes, opener: Opener, format_hash: bytes) -> KeyRing:
    """Return the keys of the repository from the first slot that opens.

    Raises:
        WrongKey: every slot is sound and none is opened by this key.
        IntegrityError: the format object was altered, or no slot opens and one is damaged.
        UsageError: a slot has a format version that this program does not know.
    """
    refused: IntegrityError | UsageError | None = None
    names, tried = list_slot_names(storage), 0
    for name in names:
        try:
            slot = _fetch(storage, name, repository)
            tried += slot.kind == SlotKind.PASSPHRASE == opener.kind
            if tried > MAX_SLOTS:
                raise _too_many(len(names))
            body = _open(slot, repository, opener)
        except (IntegrityError, UsageError) as error:  # another slot may open all the same
            refused = error
            continue
        if body is not None:
            master, expected = body[:KEY_BYTES], body[KEY_BYTES:]
            if expected != format_hash:
                raise altered_format()
            return make_key_ring(repository, master, storage=storage, version=slot.version)
    if not names:
        raise IntegrityError("repository has no key slot", hint="bring back its keys/ folder")
    raise refused or WrongKey(
        "the key does not open this repository",
        hint="name a key that was made for it; `shardvault key list` shows them to who has one",
    )


def list_slot_names(storage: Storage) -> tuple[str, ...]:
    """Name every object that can be a slot; raises IntegrityError if there are absurdly many.

    Whoever can write to the store can put objects there. They cost a request each; only a
    passphrase costs much to try.
    """
    names = tuple(found.name for found in storage.list(SLOT_PREFIX))
    if len(names) > _MOST_NAMES:
        raise _too_many(len(names))
    return names


def _too_many(count: int) -> IntegrityError:
    return IntegrityError(
        f"repository has {count} key slots, more than the {MAX_SLOTS} there can be",
        hint="move those under keys/ away that nobody made, or open it with a key file",
    )


def list_slots(storage: Storage, ring: KeyRing) -> Iterator[Slot | IntegrityError]:
    """Give every slot, or why it counts for nothing, in the order of their names."""
    errors = []
    for name in list_slot_names(storage):
        try:
            yield _describe(_fetch(storage, name, ring.repository), ring)
        except IntegrityError as error:
            errors.append(error)
        except UsageError as error:
            errors.append(IntegrityError(f"key slot {name}: {error.message}"))
    yield from errors[:MAX_SLOTS]
    if len(errors) > MAX_SLOTS:
        text = f"{len(errors) - MAX_SLOTS} more objects under {SLOT_PREFIX} are no slots"
        yield IntegrityError(text, hint="delete them: nobody made them who holds the key")


def refuse_label(label: str) -> None:
    """Raise UsageError unless the text is a label: short, one line, not empty."""
    if not label.isprintable() or not 0 < len(label.encode()) <= MAX_LABEL_BYTES:
        raise UsageError(
            f"not a label: {label!r}", hint=f"write 1 to {MAX_LABEL_BYTES} printable characters"
        )


def _fetch(storage: Storage, name: str, repository: bytes) -> _Parsed:
    stored = storage.get(name, 0, max(SLOT_BYTES.values()) + 1)
    sealed, checksum = stored[:-CHECKSUM_BYTES], stored[-CHECKSUM_BYTES:]
    if len(sealed) < SLOT_HEADER.size or checksum != _checksum(name, sealed):
        raise IntegrityError(f"key slot {name} is damaged")
    magic, version, kind, slot_kind, owner, salt = SLOT_HEADER.unpack_from(sealed)
    if (magic, kind) != (MAGIC, ObjectType.SLOT) or owner != repository:
        raise IntegrityError(f"{name} is not a key slot of this repository")
    if version not in SLOT_BYTES:
        raise UsageError(
            f"repository has format version {version}, this program reads up to {FORMAT_VERSION}",
            hint="use the version of shardvault that wrote it, or a newer one",
        )
    if len(stored) != SLOT_BYTES[version]:
        raise IntegrityError(f"key slot {name} is damaged")
    end = SLOT_HEADER.size + (SLOT_COST.size if version > 1 else 0)
    cost = Cost(*SLOT_COST.unpack_from(sealed, SLOT_HEADER.size)) if version > 1 else FREE
    body, note = sealed[end : end + SLOT_BODY_BYTES], sealed[end + SLOT_BODY_BYTES :]
    return _Parsed(name, version, slot_kind, salt, cost, sealed[:end], body, note)


def _open(slot: _Parsed, repository: bytes, opener: Opener) -> bytes | None:
    """Return a slot's body, None if another key opens it; raises IntegrityError if damaged."""
    if slot.kind != opener.kind:
        return None
    try:
        key = opener.open_lock(slot.salt, slot.cost)
    except IntegrityError as error:
        raise IntegrityError(f"key slot {slot.name} is damaged: {error.message}") from error
    detail = slot.header + slot.name.encode()
    binding = associated_data(ObjectType.SLOT, repository, detail, slot.version)
    try:
        return decrypt(AESGCM(key), SEALED_NONCE, slot.body, binding)
    except IntegrityError:
        return None


def _describe(slot: _Parsed, ring: KeyRing) -> Slot:
    if slot.version == 1:
        return Slot(slot.name, SlotKind(slot.kind), "", "")
    binding = ring.bind(ObjectType.SLOT, slot.header + slot.body + slot.name.encode())
    try:
        plain = decrypt(_note_cipher(ring, slot.salt), SEALED_NONCE, slot.note, binding)
        note = msgspec.json.decode(plain, type=_Note)
        return Slot(slot.name, SlotKind(slot.kind), note.label, note.created)
    except (IntegrityError, msgspec.MsgspecError, ValueError) as error:
        raise IntegrityError(f"key slot {slot.name} was not made by who holds the key") from error


def _note_cipher(ring: KeyRing, salt: bytes) -> AESGCM:
    return AESGCM(derive_key(ring.require_master(), salt=salt, purpose="slot note"))


def _checksum(name: str, sealed: bytes) -> bytes:
    """Tell a damaged slot from a wrong key; it proves nothing against an attacker."""
    return sha256(name.encode() + sealed).digest()[:CHECKSUM_BYTES]
