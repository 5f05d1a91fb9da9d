"""Describe who has a lock or a lease, and who writes."""

from __future__ import annotations

import os
import secrets
import socket

import msgspec

from shardvault.clock import format_time, utc_now


class Owner(msgspec.Struct, frozen=True):
    """Describe the owner of a lock or a lease.

    Attributes:
        id: random; nothing else tells two owners apart.
        command: as ``backup``.
        place: host and process, for people only.
        ttl_s: how long it lives without a beat [s]; 0 = as long as its process.
    """

    id: str
    command: str
    begin: str
    place: str
    ttl_s: float = 0.0


def new_owner(command: str, *, ttl_s: float = 0.0) -> Owner:
    """Make up the owner that this process is from now on."""
    begin = format_time(utc_now())
    return Owner(secrets.token_hex(16), command, begin, describe_process(), ttl_s)


def describe_process() -> str:
    """Name this host and process, for people."""
    return f"{socket.gethostname()}, process {os.getpid()}"


def describe_owner(owner: Owner, *, age_s: float | None = None) -> str:
    """Say for people who an owner is, and when it was last seen."""
    beat = "" if age_s is None else f", last seen {max(0.0, age_s):.0f} s ago"
    return f"{owner.command} on {owner.place}, since {owner.begin}{beat} (owner {owner.id[:8]})"
