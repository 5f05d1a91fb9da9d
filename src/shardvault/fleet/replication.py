"""Read from which servers an instance replicates, and who a server is to its replicas."""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.model.position import Family
from shardvault.mysql.session import Session

_REPLICA_WORDS = (8, 0, 22)  # MySQL: SHOW REPLICA STATUS
_WORDS = (("Source", "Replica"), ("Master", "Slave"))


@dataclass(frozen=True)
class Channel:
    """Describe one server from which an instance replicates.

    Attributes:
        place: its host and port.
        source: its server_uuid on MySQL, its server_id on MariaDB; empty before it was reached.
        is_applying: the instance applies what comes.
    """

    place: str
    source: str
    is_applying: bool


def read_channels(session: Session) -> tuple[Channel, ...]:
    """Read from which servers an instance replicates.

    Raises:
        PrivilegeError: the login is not allowed to see it.
    """
    is_mariadb = session.family is Family.MARIADB
    is_old = session.version < _REPLICA_WORDS
    statement = "SHOW SLAVE STATUS" if is_old else "SHOW REPLICA STATUS"
    rows = session.records("SHOW ALL SLAVES STATUS" if is_mariadb else statement)
    source, replica = _WORDS[is_mariadb or is_old]
    identity = f"{source}_Server_Id" if is_mariadb else f"{source}_UUID"
    return tuple(
        Channel(
            place=f"{row[f'{source}_Host']}:{row[f'{source}_Port']}",
            source="" if row[identity] == "0" else row[identity],
            is_applying=row[f"{replica}_SQL_Running"] == "Yes",
        )
        for row in rows
    )


def read_replication_identity(session: Session) -> str:
    """Return what a replica of this server calls it, see ``Channel.source``."""
    return session.text(
        "SELECT @@server_id" if session.family is Family.MARIADB else "SELECT @@server_uuid"
    )
