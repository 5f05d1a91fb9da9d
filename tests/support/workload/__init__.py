"""Write to a fleet all the time in ways that betray an inconsistent cut, and check a restored one.

Three workloads run at once, in a schema ``bank`` of their own on every shard:

tickets: ticket n+1 goes to a random shard only after ticket n was acknowledged. A cut
    that is causal holds exactly the tickets 1..m. The strongest of the three.
transfers: the debit and its journal row are committed on one shard; once that is
    acknowledged, the credit and its journal row are committed on another. A cut may
    hold money in flight, but never a credit without its debit.
counters: one client per shard writes the rows 0..k in turn; no cut may have a gap.

Measured on 2 cores with four MariaDB 10.11: a cut whose shards are taken 1 ms apart breaks the
chain each time, one whose shards are all taken within 0.2 ms about every third time.

``python -m tests.support.workload create | run | check`` is the program; tests may use
``process.Workload`` and ``check.check_fleet``.
"""
