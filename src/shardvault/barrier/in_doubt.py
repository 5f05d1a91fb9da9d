"""Find XA branches that are prepared while the barrier is held.

A prepared branch is invisible to a snapshot, its rows lie in the binlog before the
cut, and the later binlog holds only its XA COMMIT: a restore would lose it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shardvault.errors import PrivilegeError, ServerError, ShardvaultError, XaInDoubt
from shardvault.model.ids import ShardName
from shardvault.model.position import Xid
from shardvault.mysql.errors import ER_XAER_RMERR

_SHOWN = 5


def refuse_in_doubt(found: Mapping[ShardName, Sequence[Xid]]) -> None:
    """Raise XaInDoubt naming shards and xids, unless nothing is prepared anywhere."""
    prepared = {shard: xids for shard, xids in found.items() if xids}
    if not prepared:
        return
    raise XaInDoubt(
        "prepared XA transactions at the cut: "
        + "; ".join(f"{shard}: {_list(xids)}" for shard, xids in prepared.items()),
        hint="look with XA RECOVER; let the transaction manager finish them, or run "
        "XA COMMIT or XA ROLLBACK with the xid shown, the same way on every shard",
    )


def _list(xids: Sequence[Xid]) -> str:
    text = " and ".join(str(xid) for xid in xids[:_SHOWN])
    return text if len(xids) <= _SHOWN else f"{text} and {len(xids) - _SHOWN} more"


def explain_refusal(error: ShardvaultError) -> ShardvaultError:
    """Turn a refused XA RECOVER into a missing privilege; it never means that none is prepared.

    Source: MySQL manual, XA_RECOVER_ADMIN; a refusal comes as error 1401.
    """
    is_refused = isinstance(error, ServerError) and error.code == ER_XAER_RMERR
    if not (is_refused or isinstance(error, PrivilegeError)):
        return error
    return PrivilegeError(
        "XA RECOVER refused: prepared transactions cannot be seen",
        shard=error.shard,
        hint="GRANT XA_RECOVER_ADMIN ON *.* TO the backup account",
    )
