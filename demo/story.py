"""Tell the main job step by step; everything is printed as it happens."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from demo.command import Commander, Outcome
from demo.place import Place
from demo.proof import Evidence, Proof, Report, judge
from demo.screen import Screen
from demo.volumes import format_rates, format_volumes
from demo.writers import Writers
from tests.support.fleet import Fleet
from tests.support.servers import Instance
from tests.support.shop import APP_PASSWORD, SHARDS, TABLES_PER_SHARD, create_shop, fill_shop
from tests.support.workload.check import CheckResult, check_fleet
from tests.support.workload.schema import create_bank

_LOST, _LEFT = ("s1", "s3"), ("s0", "s2")
_RUN_IN_S = 1.0  # writers get going before the backup begins


@dataclass(frozen=True)
class _Hot:
    """Hold what was seen while clients wrote."""

    backup: Outcome
    verify: Outcome
    writers: Writers


class Story:
    """Hold what the steps share."""

    def __init__(self, place: Place, screen: Screen, *, rows: int) -> None:
        self._place = place
        self._screen = screen
        self._rows = rows
        self._commander = Commander(place.folder, screen)

    def tell(self) -> list[Proof]:
        """Do and print every step; return what each proof came to."""
        with ExitStack() as stack:
            fleet = self._start_fleet(stack)
            self._prepare()
            hot = self._back_up(fleet)
            self._lose_shards(fleet)
            new = self._restore_lost(stack)
            rest = self._restore_rest(stack)
            restored = [each for each, _ in (new, rest)]
            evidence = self._gather(hot, restored, [report for _, report in (new, rest)])
            proofs = self._show_evidence(hot, evidence)
            if self._place.outlives:
                self._place.keep(self._screen)
            return proofs

    def _start_fleet(self, stack: ExitStack) -> Fleet:
        self._screen.heading("1. A sharded shop on four private MariaDB instances")
        with self._screen.waiting("start"):
            fleet = stack.enter_context(self._place.make_fleet("fleet", SHARDS, "s"))
        for name, instance in fleet.shards.items():
            self._screen.fact(name, f"pid {instance.pid}, {instance.socket}")
        with self._screen.waiting(f"fill {self._rows:,} orders"):
            self._fill(fleet)
        tables = f"{SHARDS} shards x {TABLES_PER_SHARD} tables"
        self._screen.fact("orders", f"{self._rows:,} over {tables}, order_items bound to them")
        self._screen.fact("besides", "accounts by shard, broadcast country, a bank to write to;")
        self._screen.fact("", "views, triggers, routines, an event, users with grants")
        return fleet

    def _fill(self, fleet: Fleet) -> None:
        create_shop(fleet.instances)
        fill_shop(fleet.instances, rows=self._rows)
        with ExitStack() as stack:
            create_bank([stack.enter_context(each.connect()) for each in fleet.instances])
        self._place.write_source(fleet)

    def _prepare(self) -> None:
        self._screen.heading("2. A repository, and a look at every shard")
        made = self._commander.run("init").report
        self._screen.fact("repository", made["url"])
        self._screen.fact("key", f"{made['key_file']} (of a real one keep a copy elsewhere)")
        checked = self._commander.run("check").report
        self._screen.fact("check", f"{checked['status']}, {len(checked['findings'])} findings")

    def _back_up(self, fleet: Fleet) -> _Hot:
        self._screen.heading("3. A hot backup at one cut, while clients write to all shards")
        with Writers(fleet, self._place.folder / "writers.log") as writers:
            time.sleep(_RUN_IN_S)
            backup = self._commander.run("backup")
            self._show_backup(backup.report)
            verify = self._commander.run("verify", "latest")
            self._show_verify(verify.report)
            self._screen.fact("writers", writers.stop())
        return _Hot(backup, verify, writers)

    def _show_backup(self, report: Report) -> None:
        barrier = report["barrier"]
        self._screen.fact("backup", f"{report['id']}, {report['status']}")
        self._screen.fact("consistency", report["consistency"])
        self._screen.fact("barrier", f"held {barrier['held_ms']:.0f} ms; then all writes went on")

    def _show_verify(self, report: Report) -> None:
        rows = f"{report['objects']} objects, {report['rows']:,} rows read back"
        self._screen.fact("verify", f"{report['status']}: {rows}")

    def _lose_shards(self, fleet: Fleet) -> None:
        self._screen.heading("4. The loss of two shards")
        for name in _LOST:
            instance = fleet.shards[name]
            self._screen.command(("kill", "-9", str(instance.pid)))
            self._screen.command(("rm", "-rf", str(instance.folder)))
            instance.destroy()

    def _restore_lost(self, stack: ExitStack) -> tuple[Fleet, Report]:
        self._screen.heading("5. The lost shards into two new, empty instances")
        return self._restore(stack, "new", "n", _LOST)

    def _restore_rest(self, stack: ExitStack) -> tuple[Fleet, Report]:
        self._screen.heading("6. The rest of the same cut beside them, for the proof")
        self._screen.fact("why", "s0 and s2 are alive, but clients wrote to them after the cut;")
        self._screen.fact("", "only four shards of one moment can show that the cut is sound")
        return self._restore(stack, "proof", "p", _LEFT)

    def _restore(
        self, stack: ExitStack, name: str, prefix: str, shards: Sequence[str]
    ) -> tuple[Fleet, Report]:
        with self._screen.waiting("start"):
            target = stack.enter_context(self._place.make_fleet(name, len(shards), prefix))
        self._place.write_target(target, name)
        words = ["restore", "latest", "--target", f"{name}.yaml", "--shards", ",".join(shards)]
        for source, goal in zip(shards, target.shards, strict=True):
            words += ["--map", f"{source}={goal}"]
        report = self._commander.run(*words, "--with-accounts").report
        self._show_restore(report)
        return target, report

    def _show_restore(self, report: Mapping[str, Any]) -> None:
        verified = "yes, every table read back" if report["verified"] else "NO"
        self._screen.fact("restore", f"{report['status']}, {report['totals']['rows']:,} rows")
        self._screen.fact("verified", verified)
        for finding in report["findings"]:
            self._screen.fact(finding["severity"], f"{finding['where']}: {finding['message']}")

    def _gather(self, hot: _Hot, targets: Sequence[Fleet], restores: Sequence[Report]) -> Evidence:
        instances = [each for target in targets for each in target.instances]
        with self._screen.waiting("check the bank"):
            bank = _check_bank(instances)
        return Evidence(
            backup=hot.backup.report,
            verify=hot.verify.report,
            restores=restores,
            bank=bank,
            acknowledged_before=hot.writers.tickets_before(hot.backup.begin_s),
            acknowledged=hot.writers.tickets,
            orders=sum(_count_orders(each) for each in instances),
        )

    def _show_evidence(self, hot: _Hot, evidence: Evidence) -> list[Proof]:
        self._screen.heading("7. The evidence")
        proofs = list(judge(evidence))
        for proof in proofs:
            self._screen.verdict(proof.name, holds=proof.holds, text=proof.text)
        self._show_cost(hot)
        self._screen.heading("Volumes")
        for line in format_volumes(evidence.backup, evidence.restores):
            self._screen.line(line)
        for name, value in format_rates(evidence.backup, evidence.restores):
            self._screen.fact(name, value)
        self._show_places()
        return proofs

    def _show_cost(self, hot: _Hot) -> None:
        self._screen.heading("What the writers noticed")
        barrier = hot.backup.report["barrier"]
        tries = f"{barrier['attempts']} attempt" + "s" * (barrier["attempts"] != 1)
        self._screen.fact("barrier", f"held {barrier['held_ms']:.1f} ms, {tries}")
        self._screen.fact("stall", hot.writers.describe_stall(hot.backup))

    def _show_places(self) -> None:
        self._screen.heading("Where everything lies")
        self._screen.fact("folder", str(self._place.folder))
        self._screen.fact("source", "shardvault.yaml; instances in fleet/, s1 and s3 are lost")
        self._screen.fact("backup", "repository/ with its key repository.key")
        self._screen.fact("restored", "new.yaml, s1 and s3 in new/; proof.yaml, the rest in proof/")
        if not self._place.outlives:
            self._screen.fact("now", "all of it is deleted; `make demo KEEP=1` leaves it up")


def _check_bank(instances: Sequence[Instance]) -> CheckResult:
    with ExitStack() as stack:
        return check_fleet([stack.enter_context(each.connect()) for each in instances])


def _count_orders(instance: Instance) -> int:
    """Count orders as the application would: by its account, through its view."""
    with instance.connect(user="app", password=APP_PASSWORD, database="shop") as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT COALESCE(SUM(orders), 0) FROM status_totals")
        (count,) = cursor.fetchone()
        return int(count)
