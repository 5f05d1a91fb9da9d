"""Start and stop child processes that never outlive the program by accident."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The kernel sends the death signal when the *thread* that forked ends. One thread, which
# lives as long as the program, therefore starts every child.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    outlives_parent: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a child whose output is appended to a log.

    The child is in a session of its own, so Ctrl-C reaches only its parent.

    Args:
        outlives_parent: leave the child running when this program ends in any way.
    """
    guard = () if outlives_parent else ("setpriv", "--pdeathsig", "KILL", "--")
    with log.open("ab") as output:
        starting = _SPAWNER.submit(
            subprocess.Popen,
            [*guard, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
        try:
            return starting.result()
        except KeyboardInterrupt:
            kill_process(starting.result())  # nobody would know of this child
            raise


def stop_process(process: subprocess.Popen[bytes], *, limit_s: float) -> int:
    """End a child by SIGTERM, or by SIGKILL after the limit; return its exit status.

    Args:
        limit_s: time for an orderly end [s].
    """
    process.send_signal(signal.SIGCONT)  # a stopped process would not see SIGTERM
    process.terminate()
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return kill_process(process)


def kill_process(process: subprocess.Popen[bytes]) -> int:
    """End a child by SIGKILL and collect it; return its exit status."""
    process.kill()
    return process.wait(30)
