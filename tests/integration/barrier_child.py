"""Take a cut in a process of its own, for tests that kill or freeze it.

Arguments: ``name=socket`` for each shard; the password is in SHARD_PASSWORD. The hold is
long on purpose: only the fencing probe can tell that a lease ran out meanwhile.
"""

from __future__ import annotations

import os
import sys

from shardvault.barrier import BarrierLimits, take_cut
from shardvault.errors import ShardvaultError
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Login, Shard
from tests.integration.barrier_support import LEASE_S, ListSink


def main() -> None:
    password = os.environ["SHARD_PASSWORD"]
    pairs = [argument.split("=", 1) for argument in sys.argv[1:]]
    shards = [
        Shard(ShardName(name), Endpoint(socket=socket), Login("root", lambda: password))
        for name, socket in pairs
    ]
    limits = BarrierLimits(hold_s=60, lease_s=LEASE_S, attempts=1)
    try:
        take_cut(shards, snapshots_per_shard=1, limits=limits, sink=ListSink()).close()
    except ShardvaultError as error:
        print("rejected", type(error).__name__)
    else:
        print("accepted")


main()
