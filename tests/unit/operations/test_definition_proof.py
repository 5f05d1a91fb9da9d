from __future__ import annotations

import pytest

from shardvault.errors import DdlDetected
from shardvault.model.ids import ShardName
from shardvault.model.position import Family, Position
from shardvault.operations.definition_proof import _prove_unbroken
from tests.unit.barrier.scripted import FakePace, Reply, ScriptedServer, ScriptedSession

CUT = Position(Family.MARIADB, "0-1-100,7-2-5", "binlog.999999", 500)


class Answering(ScriptedSession):
    def rows(self, statement: str | bytes) -> list[tuple[bytes | None, ...]]:
        return self.server.answer(self, str(statement)).rows


def session_at(gtid_set: str, file: str, offset: int) -> Answering:
    server = ScriptedServer("s0", FakePace())
    server.script = {
        "SELECT @@global.gtid": [Reply([(gtid_set.encode(),)])],
        "SHOW MASTER": [Reply([(file.encode(), str(offset).encode())])],
    }
    return Answering(server, 1)


@pytest.mark.parametrize(
    ("gtid_set", "file", "offset"),
    [
        ("0-1-100,7-2-5", "binlog.999999", 500),
        ("0-9-101,7-2-5,8-1-1", "binlog.999999", 700),
        ("0-1-900,7-2-5", "binlog.1000000", 4),
    ],
)
def test_a_binlog_that_went_on_is_unbroken(gtid_set: str, file: str, offset: int) -> None:
    _prove_unbroken(session_at(gtid_set, file, offset), ShardName("s0"), CUT)


@pytest.mark.parametrize(
    ("gtid_set", "file", "offset"),
    [
        ("", "binlog.000001", 329),
        ("0-1-3", "binlog.999999", 9000),
        ("0-1-100", "binlog.999999", 9000),
        ("0-1-100,7-2-5", "binlog.999998", 9000),
        ("0-1-100,7-2-5", "binlog.999999", 499),
    ],
)
def test_a_binlog_that_began_again_is_found(gtid_set: str, file: str, offset: int) -> None:
    with pytest.raises(DdlDetected, match="binlog was reset"):
        _prove_unbroken(session_at(gtid_set, file, offset), ShardName("s0"), CUT)
