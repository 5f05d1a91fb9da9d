"""Check, repair and measure the configured repository."""

from __future__ import annotations

from shardvault.app.building import Silent, count_threads, load, open_configured
from shardvault.app.openers import state_folder
from shardvault.interfaces import EventSink
from shardvault.model.upkeep import RepoCheckReport, RepoRepairReport, RepoStatsReport
from shardvault.repository.samples import TurnMemory


def check_repository(
    config: str | None = None,
    *,
    repository: str | None = None,
    read_percent: float | None = None,
    threads: int | None = None,
    download_bytes_s: int | None = None,
    sink: EventSink | None = None,
) -> RepoCheckReport:
    """Look whether the repository is sound, and what of which backups damage hits.

    Args:
        config: the file that names the repository and a key that reads it.
        repository: which of its repositories, by name or URL; None = the first.
        read_percent: share of the packs to read whole; 100 = all. Fewer are read in turn: ten
            checks of 10 read all. None = only those whose length is wrong.
        threads: packs read at the same time; None = the configuration's.
        download_bytes_s: most bytes received from the store per second; None = the
            configuration's.
        sink: takes progress.
    """
    from shardvault.operations.repo_check import run_repo_check

    loaded = load(config, repository)
    opened = open_configured(loaded, download_bytes_s=download_bytes_s)
    turns = TurnMemory(state_folder() / "checks" / opened.id)
    sample = turns.choose(read_percent) if read_percent else None
    report = run_repo_check(
        opened, sink or Silent(), threads=count_threads(loaded, threads), sample=sample
    )
    if sample is not None and sample.parts > 1:
        turns.finish(sample)
    return report


def repair_repository(
    config: str | None = None,
    *,
    repository: str | None = None,
    read_data: bool = False,
    forget_damaged: bool = False,
    accept_history: bool = False,
    threads: int | None = None,
    sink: EventSink | None = None,
) -> RepoRepairReport:
    """Mend what can be mended; needs the key alone, nothing that this computer remembers.

    Args:
        config: the file that names the repository and a key that reads it.
        repository: which of its repositories, by name or URL; None = the first.
        read_data: look for damage in every byte first.
        forget_damaged: take backups that cannot be restored whole out of the catalog.
        accept_history: go on although the log was deleted, rolled back or altered, and list
            every authentic manifest that it does not tell of.
        threads: packs read at the same time; None = the configuration's.
        sink: takes progress.
    """
    from shardvault.operations.repo_repair import RepairOptions, run_repo_repair

    loaded = load(config, repository)
    options = RepairOptions(
        threads=count_threads(loaded, threads),
        reads_data=read_data,
        forgets_damaged=forget_damaged,
        accepts_history=accept_history,
        parity_packs=loaded.require_repository().parity_packs,
    )
    return run_repo_repair(open_configured(loaded), sink or Silent(), options)


def repository_stats(
    config: str | None = None, *, repository: str | None = None
) -> RepoStatsReport:
    """Say what the repository takes, and what deduplication and compression save."""
    from shardvault.operations.repo_stats import run_repo_stats

    return run_repo_stats(open_configured(load(config, repository)))
