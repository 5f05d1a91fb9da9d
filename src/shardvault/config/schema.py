"""Define every option of the configuration file, once.

Help, checks and docs/reference/configuration.md come from these classes.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

from shardvault.config.problems import Places, Where
from shardvault.config.values import (
    EndpointUrl,
    FilePath,
    Host,
    Maybe,
    Name,
    Percent,
    Size,
    StoreUrl,
    Text,
    Word,
    fault,
    refuse_null,
)
from shardvault.errors import ConfigError, UsageError
from shardvault.units import parse_percent
from shardvault.urls import display_url


class Section(BaseModel):
    """Refuse unknown keys and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class PasswordSection(Section):
    """Say where a password is kept; exactly one of the keys."""

    env: Maybe[Text] = Field(default=None, description="Environment variable that holds it.")
    file: Maybe[FilePath] = Field(
        default=None,
        description="File that holds it and nothing else; readable by its owner alone. "
        "One newline at the end is ignored.",
    )
    command: Maybe[Annotated[tuple[Text, ...], Field(min_length=1)]] = Field(
        default=None,
        description="Program and arguments, run without a shell for at most 10 s, that prints it.",
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_plain_text(cls, value: Any) -> Any:
        known = ", ".join(cls.model_fields)
        if not isinstance(value, dict):
            raise fault(
                "a password must not stand in this file",
                "refer to it: {env: NAME}, {file: PATH} or {command: [PROGRAM, ARGUMENT]}",
            )
        if value.keys() - cls.model_fields.keys():  # unnamed: it may be the password itself
            raise fault("unknown key", f"known are {known}; option_file stands beside password")
        return value

    @model_validator(mode="after")
    def _check_one(self) -> PasswordSection:
        if sum(source is not None for source in (self.env, self.file, self.command)) != 1:
            raise fault("one of env, file, command is needed")
        return self


class TlsSection(Section):
    """Encrypt the connection; an empty map asks for TLS with the system's authorities."""

    ca: Maybe[FilePath] = Field(
        default=None, description="Certificates of the authorities to trust."
    )
    cert: Maybe[FilePath] = Field(default=None, description="Our own certificate.")
    key: Maybe[FilePath] = Field(default=None, description="Key of our own certificate.")
    verify_identity: bool = Field(
        default=True,
        description="Check that the certificate was issued for the instance's host name.",
    )

    @model_validator(mode="after")
    def _check_pair(self) -> TlsSection:
        if (self.cert is None) != (self.key is None):
            raise fault("cert and key need each other")
        return self


class InstanceSection(Section):
    """Say where one instance listens: host and port, or socket."""

    host: Maybe[Host] = Field(default=None, description="Host name or address.")
    port: Maybe[int] = Field(
        default=None, ge=1, le=65535, description="TCP port; 3306 if not given."
    )
    socket: Maybe[FilePath] = Field(default=None, description="Path of the Unix socket.")
    tls: Maybe[TlsSection] = Field(default=None, description="Encryption of the connection.")

    @model_validator(mode="after")
    def _check_place(self) -> InstanceSection:
        if self.socket is not None and (self.host is not None or self.port is not None):
            raise fault("socket stands beside host or port", "keep one way to reach the instance")
        return self


class LoginSection(Section):
    """Say who logs in, and with what."""

    user: Maybe[Text] = Field(default=None, description="Account to log in with.")
    password: Maybe[PasswordSection] = Field(
        default=None, description="Where the password is kept; never the password itself."
    )
    option_file: Maybe[FilePath] = Field(
        default=None,
        description="MySQL option file; its sections [client] and [shardvault] fill what "
        "is not given here.",
    )


class ShardSection(LoginSection):
    """Describe one shard; its login comes before the fleet's."""

    name: Name = Field(description="Name of the shard; `nodes` refers to it.")
    primary: InstanceSection = Field(
        default=InstanceSection(), description="The instance that takes the shard's writes."
    )
    replicas: tuple[InstanceSection, ...] = Field(
        default=(), description="Its replicas; without `tls` they are reached with the primary's."
    )


class TableSection(Section):
    """Describe one logical table: a table that is spread over shards."""

    logical: Text = Field(description="Name the application knows it by.")
    nodes: Text = Field(
        description="Its physical tables as `shard.schema.table`, comma-separated; `${0..3}` and "
        "`${['a','b']}` stand for several names, several of them for all combinations. "
        "A name that holds a dot or comma goes in backticks."
    )
    key: Maybe[Text] = Field(default=None, description="Column that decides the shard of a row.")
    rule: Maybe[dict[str, Any]] = Field(
        default=None, description="Sharding rule, e.g. `{mod: 8}`; kept with the backup."
    )
    broadcast: bool = Field(default=False, description="Every node holds the same rows.")
    rows: bool = Field(
        default=True,
        description="`false`: backups hold the definition of its physical tables and no rows, and "
        "record that as a loss.",
    )


class FleetSection(LoginSection):
    """Describe the fleet; the login is the default of every shard."""

    name: Name = Field(description="Name of the fleet; backups carry it.")
    shards: tuple[ShardSection, ...] = Field(description="All shards of the fleet.")
    tables: tuple[TableSection, ...] = Field(
        default=(),
        description="Logical tables. Given: the scope is every schema that their nodes name, "
        "on every shard. "
        "Not given: every schema but the system's.",
    )


class KeySection(Section):
    """Say what opens the repository, by exactly one of the keys; `init` begins with it."""

    file: Maybe[FilePath] = Field(
        default=None,
        description="Key file; `init` writes it. If it is the only key, no backup can be read "
        "without it: keep a copy.",
    )
    passphrase: Maybe[PasswordSection] = Field(
        default=None, description="Where a passphrase is kept; never the passphrase itself."
    )
    identity: Maybe[FilePath] = Field(
        default=None, description="Identity file, as `shardvault key identity` makes it."
    )
    command: Maybe[Annotated[tuple[Text, ...], Field(min_length=1)]] = Field(
        default=None,
        description="Program and arguments, run without a shell for at most 10 s, that prints "
        "32 bytes in base64 or hexadecimal, as from a key management service.",
    )
    source: Maybe[FilePath] = Field(
        default=None,
        description="Source file, as `shardvault key add-source` makes it: it can add backups "
        "and read none.",
    )

    @model_validator(mode="after")
    def _check_one(self) -> KeySection:
        if sum(value is not None for _, value in self) != 1:
            raise fault(f"one of {', '.join(type(self).model_fields)} is needed")
        return self


class CredentialsSection(Section):
    """Say who logs in to the store, and with what.

    Without it a bucket is opened as the provider's own tools open it: from the environment
    (`AWS_…`, `GOOGLE_…`, `AZURE_…`) or the machine's role; SFTP with the keys of ssh and its agent.
    """

    user: Maybe[Word] = Field(
        default=None, description="Access key id (S3), storage account (Azure) or login (SFTP)."
    )
    secret: Maybe[PasswordSection] = Field(
        default=None,
        description="Where the secret is kept, never the secret itself: secret access key (S3), "
        "account key (Azure), service account as JSON (Google) or password (SFTP).",
    )
    key_file: Maybe[FilePath] = Field(
        default=None, description="Private key of the login, without a passphrase (SFTP)."
    )


class TransferSection(Section):
    """Bound what goes over the network."""

    upload: Maybe[Size] = Field(
        default=None, description="Most bytes sent to the store per second, as `20MiB`."
    )
    download: Maybe[Size] = Field(
        default=None, description="Most bytes received from the store per second, as `20MiB`."
    )


class RepositorySection(Section):
    """Say where backups are stored, and how that place is reached."""

    url: StoreUrl = Field(
        description="Place of the repository: `file:///var/backups/shop`, `s3://bucket/prefix`, "
        "`gs://bucket/prefix`, `az://container/prefix` or `sftp://user@host/absolute/path`."
    )
    name: Maybe[Name] = Field(
        default=None, description="Short name by which `--repository` and `--to` know it."
    )
    key: KeySection = Field(description="Key of the repository.")
    mirror: bool = Field(
        default=False,
        description="Bit by bit the same as the first repository, with its keys and its id; "
        "only `repo copy` writes to it.",
    )
    endpoint: Maybe[EndpointUrl] = Field(
        default=None,
        description="Address of the service, if it is not the provider's own, as "
        "`https://minio.example:9000`. TLS is left out only if it begins with `http://`.",
    )
    region: Maybe[Word] = Field(default=None, description="Region of the bucket (S3).")
    path_style: bool = Field(
        default=True,
        description="The bucket stands in the path of an address; `false`: in the host name (S3).",
    )
    known_hosts: Maybe[FilePath] = Field(
        default=None,
        description="File with the hosts' public keys; `~/.ssh/known_hosts` if not given (SFTP).",
    )
    credentials: CredentialsSection = Field(
        default=CredentialsSection(), description="Login at the store."
    )
    limits: TransferSection = Field(
        default=TransferSection(), description="Bounds on bytes per second."
    )
    append_only: bool = Field(
        default=False,
        description="Add backups and delete nothing: `prune`, `unlock --break`, `key remove` and "
        "all that would delete is refused here. Let the store forbid it too: docs/retention.md.",
    )

    parity: Maybe[Percent] = Field(
        default=None,
        description="Store so much more, as `2%`, from which `repo repair` brings one lost or "
        "damaged pack of each group back: of fifty packs at 2%.",
    )

    @property
    def parity_packs(self) -> int:
        """Return how many packs share one object of parity; 0 = there is none."""
        return 0 if self.parity is None else max(1, round(100 / parse_percent(self.parity)))

    @property
    def label(self) -> str:
        """Return what people call it: its name, or else its URL."""
        return self.name or display_url(self.url)


def _make_list(value: object) -> object:
    if value == ():
        raise fault("must not be empty")
    return (value,) if isinstance(value, dict) else value


class BarrierSection(Section):
    """Bound the time in which no shard commits."""

    limit_s: float = Field(
        default=2.0,
        gt=0,
        lt=5,
        allow_inf_nan=False,
        description="Longest hold. Keep it below the applications' lock_wait_timeout.",
        json_schema_extra={"unit": "s"},
    )
    lease_s: int = Field(
        default=3,
        ge=1,
        le=5,
        description="If shardvault freezes, each server frees its lock after this time.",
        json_schema_extra={"unit": "s"},
    )
    attempts: int = Field(default=5, ge=1, le=100, description="Tries before the backup gives up.")
    wait_s: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="Longest wait, over all tries, for DDL, LOCK TABLES and long statements that "
        "are in the way of the locks. Rows can be changed meanwhile. `backup --wait-lock` "
        "overrides it.",
        json_schema_extra={"unit": "s"},
    )

    @model_validator(mode="after")
    def _check_lease(self) -> BarrierSection:
        if self.lease_s <= self.limit_s:
            raise fault("lease_s is not above limit_s", "a lease must outlive the barrier")
        return self


class BackupSection(Section):
    """Say how backups are taken."""

    barrier: BarrierSection = Field(default=BarrierSection(), description="Limits of the barrier.")
    zstd_level: int = Field(
        default=1, ge=1, le=19, description="Compression level; higher is smaller and slower."
    )


class LimitsSection(Section):
    """Bound what shardvault takes from this machine and from the servers."""

    threads: Maybe[int] = Field(
        default=None,
        ge=1,
        le=256,
        description="Threads on this machine; one per processor if not given.",
    )
    sessions_per_shard: int = Field(
        default=4,
        ge=1,
        le=64,
        description="Connections that read or load on one shard at the same time.",
    )


class Config(Section):
    """Hold a whole configuration file. A target of a restore needs `fleet` alone."""

    fleet: FleetSection = Field(description="The fleet and how to reach it.")
    repository: Annotated[
        tuple[RepositorySection, ...], BeforeValidator(_make_list), BeforeValidator(refuse_null)
    ] = Field(
        default=(),
        description="The repository, as one map; or a list of maps: the first takes the backups, "
        "the others are its copies, the nearest first. Not needed in the file of a restore "
        "target.",
    )
    backup: BackupSection = Field(default=BackupSection(), description="How backups are taken.")
    limits: LimitsSection = Field(default=LimitsSection(), description="Limits on resources.")

    _places: Places = PrivateAttr(default_factory=lambda: Places("configuration"))
    _chosen: RepositorySection | None = PrivateAttr(default=None)

    def locate(self, where: Where) -> str:
        """Write where an option stands, as ``shop.yaml:12: fleet.tables[0].nodes``."""
        return self._places.locate(where)

    def require_repository(self) -> RepositorySection:
        """Return the chosen repository's section, or else the first; raises ConfigError."""
        if not self.repository:
            raise ConfigError(
                f"{self.locate(())}: section repository is missing",
                hint="add repository: {url: file:///var/backups/shop, key: {file: PATH}}",
            )
        return self._chosen or self.repository[0]

    def choose(self, name: str | None) -> Config:
        """Return the same file with one repository chosen, by its name or URL.

        Args:
            name: None = none is chosen: the first is written to, the nearest is read.

        Raises:
            UsageError: the file has none of that name.
        """
        for section in self.repository if name is not None else ():
            if name in (section.name, section.url):
                chosen = self.model_copy()
                chosen._chosen = section
                return chosen
        if name is None:
            return self
        known = ", ".join(section.label for section in self.repository) or "none"
        raise UsageError(
            f"no repository is called {display_url(name)!r}", hint=f"the file has: {known}"
        )

    @property
    def readable(self) -> tuple[RepositorySection, ...]:
        """Return the repositories from which backups may be read, the nearest first."""
        first = self.require_repository()
        return (first,) if self._chosen is not None else self.repository

    def locate_repository(self, section: RepositorySection, *where: str) -> str:
        """Write where an option of a repository's section stands."""
        return self.locate(("repository", self.repository.index(section), *where))

    @model_validator(mode="after")
    def _check_repositories(self) -> Config:
        labels = {section.label for section in self.repository}
        urls = {section.url for section in self.repository}
        if min(len(labels), len(urls)) < len(self.repository):
            raise fault("two repositories have the same name or url")
        if self.repository and self.repository[0].mirror:
            raise fault("the first repository is a mirror", "begin with the one that it mirrors")
        return self


def section_at(where: Where) -> type[Section]:
    """Return the class of the section that a path leads to; steps into lists are ignored."""
    section: type[Section] = Config
    for step in where:
        if isinstance(step, str):
            section = inner_section(section.model_fields[step].annotation) or section
    return section


def inner_section(annotation: Any) -> type[Section] | None:
    """Find the section inside an annotation such as ``tuple[ShardSection, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := inner_section(argument):
            return found
    return None
