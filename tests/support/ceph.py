"""Run a private S3 server: one-node Ceph in memory, as three plain processes on loopback.

Monitor and OSD are made from maps and keys that are written beforehand, so that nobody needs
Ceph's own shell, which is a large Python program.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import uuid
from pathlib import Path

from tests.support.binaries import find_runner
from tests.support.places import HOST, START_LIMIT_S, ServerFailed, choose_port, wait_until_answered
from tests.support.processes import kill_process, spawn

ACCESS_KEY, SECRET_KEY = "shardvaulttest", "shardvaulttestsecret"
_MEMORY_BYTES = 4 * 1024**3  # what the store says it has; only what is written is taken

_CONFIGURATION = """\
[global]
fsid = {fsid}
mon_host = [v2:{host}:{mon_port}/0]
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
ms_bind_ipv6 = false
keyring = {folder}/keyring
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_osd_min_up_ratio = 0
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
run_dir = {folder}
crash_dir = {folder}
admin_socket =
pid_file =
log_file = {folder}/$name.log
log_to_stderr = false
mon_cluster_log_file = {folder}/cluster.log
plugin_dir = {libraries}/ceph
erasure_code_dir = {libraries}/ceph/erasure-code
osd_class_dir = {libraries}/rados-classes
[mon]
mon_data = {folder}/mon
[osd]
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = {memory}
osd_op_num_shards = 2
osd_max_object_name_len = 2048
[client.rgw]
rgw_frontends = beast endpoint={host}:{port} tcp_nodelay=1
rgw_thread_pool_size = 40
rgw_enable_ops_log = false
"""


class CephGateway:
    """Serve S3 with one user; ``endpoint`` is its address.

    Args:
        folder: must not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._runner = find_runner("ceph")
        self._folder = folder
        self._port = choose_port()
        self._mon_port = choose_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.endpoint = f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Start the three processes and make the user; raises ServerFailed."""
        for folder in (self._folder, self._folder / "mon", self._folder / "osd"):
            folder.mkdir(parents=True)
        try:
            self._make_cluster()
            self._spawn("ceph-mon", "-i", "a", "-f")
            self._spawn("ceph-osd", "-i", "0", "-f")
            self._spawn("radosgw", "-n", "client.rgw", "-f")
            wait_until_answered(self.endpoint, self._processes, self._log)
            self._make_user()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the processes and delete what they left; all of it was in memory."""
        while self._processes:
            kill_process(self._processes.pop())
        shutil.rmtree(self._folder, ignore_errors=True)

    def make_bucket(self, name: str) -> None:
        """Make a bucket."""
        import obstore
        from obstore.exceptions import GenericError
        from obstore.store import S3Store

        # The library makes no buckets; but a PUT of "/name" to no bucket at all is one.
        store = S3Store(
            name,
            endpoint=self.endpoint,
            virtual_hosted_style_request=True,
            client_options={"allow_http": True},
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            region="default",
        )
        with contextlib.suppress(GenericError):  # it misses the tag of an object
            obstore.put(store, name, b"", use_multipart=False)

    def _make_cluster(self) -> None:
        fsid = str(uuid.uuid4())
        self._configuration.write_text(
            _CONFIGURATION.format(
                fsid=fsid,
                host=HOST,
                port=self._port,
                mon_port=self._mon_port,
                folder=self._folder,
                libraries=next((self._runner.parent / "usr/lib").glob("*-linux-gnu")),
                memory=_MEMORY_BYTES,
            )
        )
        place = f"[v2:{HOST}:{self._mon_port}]"
        monmap, osdmap = str(self._folder / "monmap"), str(self._folder / "osdmap")
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", place, monmap)
        self._run("osdmaptool", "--createsimple", "1", osdmap)
        (self._folder / "keyring").touch(0o600)
        for name in ("mon.", "osd.0", "client.rgw"):
            self._make_key(name)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--osdmap", osdmap)
        self._run("ceph-osd", "--mkfs", "-i", "0", "--no-mon-config")

    def _make_key(self, name: str) -> None:
        caps = [word for kind in ("mon", "osd") for word in ("--cap", kind, "allow *")]
        path = str(self._folder / "keyring")
        self._run("ceph-authtool", path, "--gen-key", "-n", name, *caps)

    def _make_user(self) -> None:
        self._run(
            *("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid=test"),
            *("--display-name=test", f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}"),
        )

    @property
    def _log(self) -> Path:
        return self._folder / "output.log"

    @property
    def _configuration(self) -> Path:
        return self._folder / "ceph.conf"

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [str(self._runner), program, "-c", str(self._configuration), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=START_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"{program}: {done.stdout.decode(errors='replace')[-2000:]}")

    def _spawn(self, program: str, *arguments: str) -> None:
        command = self._command(program, *arguments)
        self._processes.append(spawn(command, log=self._log, cwd=self._folder))
