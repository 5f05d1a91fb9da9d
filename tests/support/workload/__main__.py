"""Create the bank on a fleet, write to it, or check it, from the command line."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import pymysql

from tests.support.workload.check import check_fleet
from tests.support.workload.runner import Run
from tests.support.workload.schema import connect, create_bank, parse_endpoint


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks; return 0, or 1 if the run failed or a rule is broken."""
    options = _parser().parse_args(arguments)
    password = os.environ.get(options.password_env)
    if password is None:
        print(f"the environment has no {options.password_env}", file=sys.stderr)
        return 2
    try:
        return int(options.command(options, password))
    except pymysql.MySQLError as error:
        print(f"workload: {error}", file=sys.stderr)
        return 1


def _create(options: argparse.Namespace, password: str) -> int:
    with ExitStack() as stack:
        create_bank(
            [stack.enter_context(connect(e, options.user, password)) for e in options.instance]
        )
    return 0


def _run(options: argparse.Namespace, password: str) -> int:
    with open(options.log, "w", encoding="utf-8") as log:
        run = Run(
            options.instance,
            user=options.user,
            password=password,
            clients=options.clients,
            log=log,
            tolerates_loss=options.tolerate_lost,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: run.stop())
        report = run.run(options.seconds)
    print(json.dumps(report))
    return 1 if report["error"] else 0


def _check(options: argparse.Namespace, password: str) -> int:
    with ExitStack() as stack:
        result = check_fleet(
            [stack.enter_context(connect(e, options.user, password)) for e in options.instance]
        )
    print(json.dumps(result.to_json()))
    return 0 if result.is_sound else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.support.workload", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="create | run | check")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--instance",
        action="append",
        required=True,
        type=parse_endpoint,
        help="socket path or host:port; once per shard, always in the same order",
    )
    common.add_argument("--user", required=True)
    common.add_argument("--password-env", required=True, help="variable that holds the password")
    create = verbs.add_parser("create", parents=[common], help="create the bank's tables")
    create.set_defaults(command=_create)
    check = verbs.add_parser(
        "check", parents=[common], help="print a verdict; 1 = a rule is broken"
    )
    check.set_defaults(command=_check)
    run = verbs.add_parser("run", parents=[common], help="write until the time is over or SIGTERM")
    run.add_argument("--seconds", type=float, help="how long; default: until SIGTERM")
    run.add_argument("--clients", type=int, default=2, help="clients that do transfers")
    run.add_argument("--log", required=True, help="file that takes JSON lines")
    run.add_argument(
        "--tolerate-lost", action="store_true", help="go on without a shard that has gone"
    )
    run.set_defaults(command=_run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
