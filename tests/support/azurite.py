"""Run a private Azure Blob server: Azurite, in memory, on loopback."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import shutil
import subprocess
import urllib.request
from email.utils import formatdate
from pathlib import Path

from tests.support.binaries import ServerMissing, servers_folder
from tests.support.places import HOST, choose_port, wait_until_answered
from tests.support.processes import kill_process, spawn

_PROGRAM = "node_modules/azurite/dist/src/blob/main.js"
_API_VERSION = "2021-12-02"


class Azurite:
    """Serve Azure blobs of one account; ``endpoint`` is its address.

    Args:
        folder: must not exist.
    """

    account = "shardvaulttest"

    def __init__(self, folder: Path) -> None:
        self.key = base64.b64encode(secrets.token_bytes(32)).decode()
        self._folder = folder
        self._port = choose_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = f"http://{HOST}:{self._port}/{self.account}"

    def start(self) -> None:
        """Start the server and wait until it answers; raises ServerMissing, ServerFailed."""
        self._folder.mkdir(parents=True)
        log = self._folder / "output.log"
        self._process = spawn(
            _command(self._port),
            log=log,
            cwd=self._folder,
            env={"AZURITE_ACCOUNTS": f"{self.account}:{self.key}"},
        )
        wait_until_answered(f"http://{HOST}:{self._port}", [self._process], log)

    def stop(self) -> None:
        """End the server and delete what it left."""
        if self._process is not None:
            kill_process(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def make_container(self, name: str) -> None:
        """Make a container."""
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _API_VERSION}
        signature = self._sign(name, headers)
        request = urllib.request.Request(
            f"{self.endpoint}/{name}?restype=container",
            method="PUT",
            headers=headers | {"Authorization": f"SharedKey {self.account}:{signature}"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    def _sign(self, name: str, headers: dict[str, str]) -> str:
        """Sign a PUT without a body.

        Source: Azure documentation, "Authorize with Shared Key", string to sign.
        """
        own = "".join(f"{key}:{value}\n" for key, value in sorted(headers.items()))
        # The account stands twice: once as owner, once in the path of an emulator.
        text = "PUT" + "\n" * 12 + own + f"/{self.account}/{self.account}/{name}"
        text += "\nrestype:container"
        key = base64.b64decode(self.key)
        return base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()


def _command(port: int) -> list[str]:
    node = shutil.which("node")
    program = servers_folder() / "azurite" / _PROGRAM
    if node is None or not program.exists():
        raise ServerMissing(
            f"azurite is not in {program.parents[5]}, or there is no node;"
            " run `make servers` or `tests/support/get_azurite.sh`"
        )
    return [
        *(node, str(program), "--blobHost", HOST, "--blobPort", str(port)),
        *("--inMemoryPersistence", "--silent", "--skipApiVersionCheck"),
        *("--disableTelemetry", "--disableProductStyleUrl"),
    ]
