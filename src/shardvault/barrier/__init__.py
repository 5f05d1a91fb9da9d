"""Take one cut over all shards: hold commits for moments, open snapshots, let go, prove it."""

from shardvault.barrier.coordinator import take_cut
from shardvault.barrier.cut import Cut, ShardCut
from shardvault.barrier.limits import BarrierLimits

__all__ = ["BarrierLimits", "Cut", "ShardCut", "take_cut"]
