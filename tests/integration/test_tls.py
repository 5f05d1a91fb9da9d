"""TLS: rows and control over one encrypted socket, and servers that are not who they should be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from shardvault.dump.reader import RangeReader
from shardvault.errors import ConnectError
from shardvault.model.target import Endpoint, Login, TlsOptions
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_read
from tests.support.servers import Instance


def _open(instance: Instance, tls: TlsOptions) -> Session:
    endpoint = Endpoint("127.0.0.1", instance.port, tls=tls)
    login = Login("root", lambda: instance.password)
    return Session.open(endpoint, login, shard="s0", read_timeout_s=30)


def _authority(instance: Instance) -> str:
    return str(instance.data_folder / "ca.pem")


def _make_stranger(folder: Path) -> str:
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stranger")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = folder / "stranger.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return str(path)


def test_rows_are_read_over_an_encrypted_socket(mysql: Instance) -> None:
    with _open(mysql, TlsOptions(ca=_authority(mysql), verify_identity=False)) as session:
        assert session.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0][1]
        prepare_read(session)
        chunks: list[bytes] = []
        totals = RangeReader(session).read(
            "WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
            "SELECT i, REPEAT('x', 9000) FROM n",
            2,
            lambda chunk: chunks.append(bytes(chunk)),
        )
    assert totals.rows == 1000
    assert sum(map(len, chunks)) == totals.raw_bytes > 9_000_000


def test_a_server_signed_by_somebody_else_is_refused(mysql: Instance, tmp_path: Path) -> None:
    stranger = TlsOptions(ca=_make_stranger(tmp_path), verify_identity=False)
    with pytest.raises(ConnectError, match="certificate verify failed"):
        _open(mysql, stranger)


def test_a_server_of_another_name_is_refused(mysql: Instance) -> None:
    with pytest.raises(ConnectError, match="not valid for"):
        _open(mysql, TlsOptions(ca=_authority(mysql)))


def test_an_authority_that_cannot_be_read_is_told(mysql: Instance) -> None:
    with pytest.raises(ConnectError, match="cannot use the TLS files"):
        _open(mysql, TlsOptions(ca="/nowhere/ca.pem"))
