"""Open the clients of one bucket: S3, Google Cloud Storage or Azure Blob Storage."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from shardvault.errors import UsageError
from shardvault.storage.settings import StoreSettings
from shardvault.urls import display_url, display_urls

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

_PANIC = "PanicException"  # of code in Rust; it is none of Python's own exceptions
CONNECT_LIMIT = "10s"

_LIMITS_KEPT = 8


class Bucket:
    """Give clients that differ only in how long a request may take.

    A client takes its limit when it is made, so there is one for each limit in use. None of
    them retries: ``RetryingStorage`` does, for every kind of store alike.

    Attributes:
        place: the URL, for people.
    """

    def __init__(self, url: str, settings: StoreSettings) -> None:
        """Remember where the bucket is; nothing is opened.

        Args:
            url: one that ``check_store_url`` takes.
            settings: how it is reached.
        """
        self.place = display_url(url)
        self._parts = urlsplit(url)
        self._settings = settings
        self.client = lru_cache(_LIMITS_KEPT)(self._make_client)

    def _make_client(self, limit_s: float) -> ObjectStore:
        from obstore.exceptions import BaseError

        make = {"s3": _make_s3, "gs": _make_gcs, "az": _make_azure}[self._parts.scheme]
        try:
            return make(self._parts, self._settings, _describe_client(self._settings, limit_s))
        except (BaseError, ValueError) as error:
            what = display_urls(str(error).split("\n", 1)[0])
            raise UsageError(f"repository {self.place}: {what}") from None
        except BaseException as error:
            if type(error).__name__ != _PANIC:
                raise
            what = "the library cannot work with its settings"
            hint = "look at url, endpoint, region and credentials"
            raise UsageError(f"repository {self.place}: {what}", hint=hint) from None


def _describe_client(settings: StoreSettings, limit_s: float) -> dict[str, Any]:
    options: ClientConfig = {
        "timeout": f"{round(limit_s * 1000)}ms",
        "connect_timeout": CONNECT_LIMIT,
        "allow_http": (settings.endpoint or "").startswith("http://"),
    }
    retries: RetryConfig = {"max_retries": 0}
    return {"client_options": options, "retry_config": retries}


def _make_s3(parts: SplitResult, settings: StoreSettings, common: dict[str, Any]) -> ObjectStore:
    from obstore.store import S3Store

    own = _given(
        endpoint=_place_bucket(parts, settings),
        region=settings.region,
        access_key_id=settings.user,
        secret_access_key=_reveal(settings),
    )
    return S3Store(
        parts.netloc,
        prefix=_prefix(parts),
        virtual_hosted_style_request=not settings.is_path_style,
        **own,
        **common,
    )


def _place_bucket(parts: SplitResult, settings: StoreSettings) -> str | None:
    """Return the endpoint; if buckets are hosts, the library wants ours in its host name."""
    if settings.endpoint is None or settings.is_path_style:
        return settings.endpoint
    endpoint = urlsplit(settings.endpoint)
    return endpoint._replace(netloc=f"{parts.netloc}.{endpoint.netloc}").geturl()


def _make_gcs(parts: SplitResult, settings: StoreSettings, common: dict[str, Any]) -> ObjectStore:
    from obstore.store import GCSStore

    own = _given(base_url=settings.endpoint, service_account_key=_reveal(settings))
    return GCSStore(parts.netloc, prefix=_prefix(parts), **own, **common)


def _make_azure(parts: SplitResult, settings: StoreSettings, common: dict[str, Any]) -> ObjectStore:
    from obstore.store import AzureStore

    own = _given(
        endpoint=settings.endpoint, account_name=settings.user, account_key=_reveal(settings)
    )
    return AzureStore(parts.netloc, prefix=_prefix(parts), **own, **common)


def _prefix(parts: SplitResult) -> str | None:
    return unquote(parts.path).strip("/") or None


def _reveal(settings: StoreSettings) -> str | None:
    return settings.secret() if settings.secret else None


def _given(**values: Any) -> dict[str, Any]:
    """Leave out what was not configured: the library looks for it where the provider's tools do."""
    return {name: value for name, value in values.items() if value is not None}
