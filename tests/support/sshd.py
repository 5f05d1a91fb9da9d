"""Run a private SFTP server: OpenSSH with keys of its own, on loopback.

It serves the user who runs it. As root it would want a system user of its own, which only the
package's installation makes, so root lets it run as ``daemon``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.binaries import find_runner
from tests.support.places import HOST, START_LIMIT_S, ServerFailed, choose_port
from tests.support.processes import kill_process, spawn

_POLL_S = 0.02
_BANNER = b"SSH-2.0"

_CONFIGURATION = """\
ListenAddress {host}
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized
PidFile none
AuthenticationMethods publickey
StrictModes no
UsePAM no
UseDNS no
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
"""


class Sshd:
    """Serve SFTP; ``url`` names a folder that only it writes to.

    Attributes:
        key_file: opens the login.
        known_hosts: holds the server's public key.
    """

    def __init__(self) -> None:
        self._runner = find_runner("openssh")
        # Not below pytest's folders: those are closed to other users.
        self.folder = Path(tempfile.mkdtemp(prefix="shardvault-sshd-"))
        self.port = choose_port()
        self.user = pwd.getpwnam("daemon" if os.geteuid() == 0 else _own_name()).pw_name
        self.key_file = self.folder / "key"
        self.known_hosts = self.folder / "known_hosts"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the URL of the folder for objects."""
        return f"sftp://{self.user}@{HOST}:{self.port}{self.folder}/store"

    def start(self) -> None:
        """Start the server and wait until it answers; raises ServerFailed."""
        for name in ("host_key", "key"):
            self._make_key(name)
        shutil.copyfile(self.folder / "key.pub", self.folder / "authorized")
        kind, key, *_ = (self.folder / "host_key.pub").read_text().split()
        self.known_hosts.write_text(f"[{HOST}]:{self.port} {kind} {key}\n")
        (self.folder / "sshd_config").write_text(
            _CONFIGURATION.format(host=HOST, port=self.port, folder=self.folder)
        )
        self._give_away()
        # -r: it must not start itself again, without the loader that its runner gave it.
        command = [str(self._runner), "sshd", "-D", "-e", "-r", "-f", f"{self.folder}/sshd_config"]
        self._process = spawn([*self._as_user(), *command], log=self._log, cwd=self.folder)
        self._wait()

    def stop(self) -> None:
        """End the server, not the connections it has, and delete its folder."""
        if self._process is not None:
            kill_process(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.folder / "sshd.log"

    def _as_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        entry = pwd.getpwnam(self.user)
        ids = [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
        # A change of user takes the death signal away, so it is asked for again.
        return ["setpriv", *ids, "--pdeathsig=KILL", "--"]

    def _give_away(self) -> None:
        """Let the server's user own its folder; our own key stays ours."""
        if os.geteuid() != 0:
            return
        entry = pwd.getpwnam(self.user)
        for path in (self.folder, *self.folder.iterdir()):
            if path != self.key_file:
                os.chown(path, entry.pw_uid, entry.pw_gid)

    def _make_key(self, name: str) -> None:
        command = [str(self._runner), "ssh-keygen", "-q", "-t", "ed25519", "-N", ""]
        subprocess.run([*command, "-f", str(self.folder / name)], check=True, timeout=30)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and self._process and self._process.poll() is None:
            try:
                with socket.create_connection((HOST, self.port), timeout=5) as probe:
                    if probe.recv(len(_BANNER)) == _BANNER:
                        return
            except OSError:
                time.sleep(_POLL_S)
        raise ServerFailed(f"sshd is not ready:\n{self._log.read_text(errors='replace')[-2000:]}")


def _own_name() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
