from __future__ import annotations

import os
import unicodedata

import pytest

from shardvault.errors import IntegrityError, WrongKey
from shardvault.repository import openers
from shardvault.repository.keys import KeyRing, make_key_ring
from shardvault.repository.openers import (
    FREE,
    HIGHEST_COST,
    USUAL_COST,
    Closer,
    CommandSecret,
    Cost,
    FileSecret,
    Identity,
    Opener,
    PassphraseSecret,
    Recipient,
)
from shardvault.repository.sealing import public_half
from shardvault.repository.slots import open_slots, write_slot
from shardvault.storage.memory import MemoryStorage

REPOSITORY = bytes(16)
MASTER = b"m" * 32
HASH = b"h" * 32
RING = make_key_ring(REPOSITORY, MASTER)
PRIVATE = b"i" * 32

Secret = FileSecret | PassphraseSecret | Identity | CommandSecret
KINDS: dict[str, Secret] = {
    "file": FileSecret(b"k" * 32),
    "command": CommandSecret(b"k" * 32),
    "passphrase": PassphraseSecret("correct horse battery"),
    "identity": Identity(PRIVATE),
}
OTHERS: dict[str, Secret] = {
    "file": FileSecret(b"x" * 32),
    "command": CommandSecret(b"x" * 32),
    "passphrase": PassphraseSecret("correct horse batterx"),
    "identity": Identity(b"x" * 32),
}


def _closed_by(closer: Closer) -> MemoryStorage:
    storage = MemoryStorage()
    write_slot(storage, RING, closer, HASH, os.urandom, label="label")
    return storage


def _open(storage: MemoryStorage, opener: Opener) -> KeyRing:
    return open_slots(storage, REPOSITORY, opener, HASH)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_opens_its_slot_and_no_other_secret_does(kind: str) -> None:
    storage = _closed_by(KINDS[kind])
    assert _open(storage, KINDS[kind]).master == MASTER
    for wrong in (OTHERS[kind], *(secret for name, secret in KINDS.items() if name != kind)):
        with pytest.raises(WrongKey):
            _open(storage, wrong)


def test_a_recipient_closes_what_only_the_identity_opens() -> None:
    storage = _closed_by(Recipient(public_half(PRIVATE)))
    assert _open(storage, Identity(PRIVATE)).master == MASTER


def test_a_passphrase_typed_in_another_form_is_the_same() -> None:
    composed, decomposed = (
        unicodedata.normalize(form, "paßwörter sind zäh") for form in ("NFC", "NFD")
    )
    assert composed != decomposed
    assert _open(_closed_by(PassphraseSecret(composed)), PassphraseSecret(decomposed)) is not None


def test_a_guess_costs_what_is_recommended() -> None:
    assert USUAL_COST.memory_kib >= 64 << 10
    assert USUAL_COST.passes >= 3
    assert PassphraseSecret("x").new_lock(os.urandom).cost == USUAL_COST


@pytest.mark.parametrize(
    "cost",
    [FREE, Cost((64 << 10) - 1, 3, 4), Cost(64 << 10, 2, 4), Cost(64 << 10, 3, 0),
     HIGHEST_COST._replace(memory_kib=HIGHEST_COST.memory_kib + 1),
     HIGHEST_COST._replace(passes=17), HIGHEST_COST._replace(lanes=17),
     Cost(2**32 - 1, 2**32 - 1, 2**32 - 1)],
)  # fmt: skip
def test_an_absurd_cost_is_refused_before_any_memory_is_taken(
    cost: Cost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openers, "Argon2id", None)
    with pytest.raises(IntegrityError, match="absurd"):
        PassphraseSecret("x").open_lock(bytes(32), cost)


@pytest.mark.parametrize("secret", [KINDS["file"], KINDS["identity"], KINDS["command"]])
def test_a_cost_in_a_slot_without_passphrase_is_refused(secret: Opener) -> None:
    with pytest.raises(IntegrityError, match="cost"):
        secret.open_lock(bytes(32), USUAL_COST)


@pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31)])
def test_a_public_key_that_would_make_the_secret_zero_is_refused(public: bytes) -> None:
    with pytest.raises(IntegrityError, match="public key"):
        Identity(PRIVATE).open_lock(public, FREE)
    with pytest.raises(IntegrityError, match="public key"):
        Recipient(public).new_lock(os.urandom)


@pytest.mark.parametrize("secret", KINDS.values(), ids=KINDS)
def test_a_secret_is_not_printed(secret: Secret) -> None:
    (value,) = vars(secret).values()
    text = value if isinstance(value, str) else value.decode()
    assert text not in repr(secret)


def test_no_two_slots_of_one_secret_look_alike() -> None:
    stored = set()
    for _ in range(20):
        storage = _closed_by(KINDS["identity"])
        (slot,) = storage.list("keys/")
        stored.add(storage.get(slot.name)[27:59])
    assert len(stored) == 20
