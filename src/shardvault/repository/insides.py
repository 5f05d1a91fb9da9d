"""Hand the parts of an open repository to those who look after it as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.interfaces import Storage
from shardvault.repository.catalog import Catalog
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.keys import KeyRing
from shardvault.repository.leases import Leases
from shardvault.repository.log import Log


@dataclass(frozen=True)
class Insides:
    """Hold what a repository is made of; only for check, repair and figures."""

    storage: Storage
    ring: KeyRing
    random_bytes: RandomBytes
    log: Log
    leases: Leases
    catalog: Catalog
