"""Seal keys to a public key: whoever has it can close, only the private one opens (X25519)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from shardvault.errors import IntegrityError
from shardvault.repository.crypto import derive_key


def public_half(private: bytes) -> bytes:
    """Return the public key of a private one, both of 32 bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_for(recipient: bytes, ephemeral: bytes, purpose: str) -> bytes:
    """Return the key that the owner of the public key will find with ``key_from``.

    Args:
        ephemeral: 32 fresh random bytes, used once; their public half must be stored.
    """
    salt = public_half(ephemeral) + recipient
    return _agree(ephemeral, recipient, salt, purpose)


def key_from(private: bytes, ephemeral_public: bytes, purpose: str) -> bytes:
    """Return the key that was made for this private key; raises IntegrityError."""
    salt = ephemeral_public + public_half(private)
    return _agree(private, ephemeral_public, salt, purpose)


def _agree(private: bytes, public: bytes, salt: bytes, purpose: str) -> bytes:
    own, other = X25519PrivateKey.from_private_bytes(private), X25519PublicKey
    try:
        shared = own.exchange(other.from_public_bytes(public))
    except ValueError as error:  # a point of small order: the secret would be zero
        raise IntegrityError("not a public key") from error
    return derive_key(shared, salt=salt, purpose=purpose)
