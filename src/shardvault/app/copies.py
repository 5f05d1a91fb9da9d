"""Copy the repository to the other places that the configuration names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shardvault.app.building import Silent, count_threads, load, narrow_latest, open_configured
from shardvault.app.openers import remember_heads
from shardvault.app.stores import open_store
from shardvault.clock import monotonic_s
from shardvault.config.schema import Config, RepositorySection
from shardvault.errors import Interrupted, ShardvaultError, UsageError
from shardvault.events import Noticed, PhaseStarted
from shardvault.interfaces import EventSink, Storage
from shardvault.model.report import CopyReport, Finding, RepositoryCopy, Severity
from shardvault.repository.afterwards import warn_only
from shardvault.repository.mirror import mirror_repository, remember_mirror
from shardvault.repository.store import Repository
from shardvault.storage.append_only import AppendOnlyStorage


def copy_repository(
    backups: Sequence[str] = (),
    config: str | None = None,
    *,
    to: str | None = None,
    repository: str | None = None,
    drop_pruned: bool = False,
    threads: int | None = None,
    upload_bytes_s: int | None = None,
    download_bytes_s: int | None = None,
    sink: EventSink | None = None,
) -> CopyReport:
    """Bring copies up to date; what a copy has is not sent again.

    A mirror gets every object bit by bit. Any other copy gets the backups, under its own keys
    and into its own log, and is checked and pruned by itself.

    Of several copies each is tried: one that fails is reported, and the next is made. The error
    of a single one is raised.

    Args:
        backups: ids or their beginnings, or ``latest``, which is the newest complete one of the
            configured fleet; none = every backup. A mirror takes all or nothing.
        config: the file that names the repositories.
        to: the copy, by name or URL; None = each of them.
        repository: copy from this one, by name or URL; None = the first.
        drop_pruned: delete in a mirror what its repository has pruned.
        threads: chunks read at the same time; None = the configuration's.
        upload_bytes_s: most bytes sent to a copy's store per second; None = the
            configuration's.
        download_bytes_s: most bytes received from the source's store per second; None = the
            configuration's.
        sink: takes progress.
    """
    from shardvault.operations.copy import CopyOptions, run_copy

    loaded = load(config, repository)
    takes, narrow = sink or Silent(), narrow_latest(loaded)
    source = open_configured(loaded, download_bytes_s=download_bytes_s)

    def copy(section: RepositorySection) -> RepositoryCopy:
        if section.mirror:
            takes.emit(PhaseStarted("repo copy", "mirror", section.label))
            storage = open_store(loaded, section=section, upload_bytes_s=upload_bytes_s)
            return _mirror(source, storage, section, drop_pruned=drop_pruned)
        options = CopyOptions(
            name=section.label,
            threads=count_threads(loaded, threads),
            zstd_level=loaded.backup.zstd_level,
            backups=tuple(source.find(word, narrow) for word in backups),
        )
        destination = open_configured(loaded, section=section, upload_bytes_s=upload_bytes_s)
        return run_copy(source, destination, options, takes)

    sections = _choose(loaded, to)
    if backups and any(section.mirror for section in sections):
        raise UsageError("a mirror takes every backup", hint="name another copy with --to")
    if len(sections) == 1:
        copies: tuple[RepositoryCopy, ...] = (copy(sections[0]),)
    else:
        copies = tuple(_attempt(section, copy, takes) for section in sections)
    return CopyReport(_judge(copies), loaded.require_repository().label, copies)


def _attempt(
    section: RepositorySection,
    copy: Callable[[RepositorySection], RepositoryCopy],
    sink: EventSink,
) -> RepositoryCopy:
    """Copy to one place; what fails there is reported, so that the others get theirs."""
    try:
        return copy(section)
    except Interrupted:
        raise
    except ShardvaultError as error:
        sink.emit(Noticed(f"copy {section.label} failed: {error}"))
        failed = Finding(
            Severity.BLOCKER, section.label, "copy", f"failed: {error}", error.hint or ""
        )
        return RepositoryCopy(
            repository=section.label,
            mode="mirror" if section.mirror else "re-encrypted",
            findings=(failed,),
            exit_code=error.exit_code,
        )


def _judge(copies: Sequence[RepositoryCopy]) -> str:
    if any(done.exit_code for done in copies):
        return "failed"
    return "damaged" if any(done.findings for done in copies) else "complete"


def _choose(config: Config, to: str | None) -> tuple[RepositorySection, ...]:
    source = config.require_repository()
    if to is not None:
        return (config.choose(to).require_repository(),)
    others = tuple(section for section in config.repository if section is not source)
    if not others:
        raise UsageError(
            "the configuration names no copy", hint="make repository a list: docs/copies.md"
        )
    return others


def _mirror(
    source: Repository, storage: Storage, section: RepositorySection, *, drop_pruned: bool
) -> RepositoryCopy:
    begin_s = monotonic_s()
    if section.append_only:
        storage = AppendOnlyStorage(storage)
    insides = source.insides()
    done = mirror_repository(insides, storage, drops_pruned=drop_pruned)
    with warn_only():
        remember_mirror(insides, storage, remember_heads(section.url))
    remedy = "repair the repository, then copy again"
    return RepositoryCopy(
        repository=section.label,
        mode="mirror",
        objects=done.objects,
        dropped=done.dropped,
        bytes_read=done.size_bytes,
        bytes_stored=done.size_bytes,
        seconds=round(monotonic_s() - begin_s, 3),
        findings=tuple(
            Finding(Severity.BLOCKER, "the source", "copy", error.message, remedy)
            for error in done.damaged
        ),
    )
