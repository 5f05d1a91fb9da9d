"""Define the kinds of value that options take, each with its check."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from shardvault.units import parse_percent, parse_size
from shardvault.urls import BadUrl, check_endpoint_url, check_store_url

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
_HOST_AND_PORT = re.compile(r"([^:]+):(\d+)")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://.+", re.DOTALL)


def fault(what: str, hint: str = "") -> PydanticCustomError:
    """Make the error that a check of ours raises; it must not repeat values of the file."""
    return PydanticCustomError("fault", "{what}", {"what": what, "hint": hint})


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise fault("not a name", "use 1 to 64 of the characters A-Z a-z 0-9 _ -")
    return name


def _check_host(host: str) -> str:
    if both := _HOST_AND_PORT.fullmatch(host):
        raise fault("holds a port", f"write host: {both[1]}, port: {both[2]}")
    if not _HOST.fullmatch(host):
        raise fault("not a host name or address")
    return host


def _check_store_url(url: str) -> str:
    return _check_url(url, check_store_url, "file:///var/backups/shop")


def _check_endpoint_url(url: str) -> str:
    return _check_url(url, check_endpoint_url, "https://minio.example:9000")


def _check_url(url: str, check: Callable[[str], None], example: str) -> str:
    if not _URL.fullmatch(url):
        raise fault("not a URL", f"write one such as {example}")
    try:
        check(url)
    except BadUrl as error:
        raise fault(error.what, error.hint) from None
    return url


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise fault("holds a NUL character")
    return text


def _check_word(word: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in word):
        raise fault("holds a control character")
    return word


def _check_size(size: str) -> str:
    try:
        positive = parse_size(size) > 0
    except ValueError:
        positive = False
    if not positive:
        raise fault("not a size", "write one such as 20MiB")
    return size


def _check_percent(percent: str) -> str:
    try:
        parse_percent(percent)
    except ValueError:
        raise fault("not a share", "write one such as 2%") from None
    return percent


def _place_file(path: str, info: ValidationInfo) -> str:
    folder = (info.context or {}).get("folder", ".")
    try:
        return str(Path(folder, Path(path).expanduser()))
    except RuntimeError:
        raise fault("the home folder of ~ is unknown", "write the path in full") from None


def refuse_null(value: object) -> object:
    """Raise the error of an option that stands there without a value."""
    if value is None:
        raise fault("has no value", "give it one, or leave it out")
    return value


T = TypeVar("T")
Maybe = Annotated[T | None, BeforeValidator(refuse_null)]
"""An option that may be left out, but not be left empty."""
Text = Annotated[str, Field(min_length=1), AfterValidator(_refuse_nul)]
Word = Annotated[Text, AfterValidator(_check_word)]
Name = Annotated[str, AfterValidator(_check_name)]
Host = Annotated[str, AfterValidator(_check_host)]
FilePath = Annotated[Text, AfterValidator(_place_file)]
StoreUrl = Annotated[str, AfterValidator(_check_store_url)]
EndpointUrl = Annotated[str, AfterValidator(_check_endpoint_url)]
Size = Annotated[str, AfterValidator(_check_size)]
"""A number of bytes with a unit; ``units.parse_size`` reads it."""
Percent = Annotated[str, AfterValidator(_check_percent)]
"""A share such as ``2%``; ``units.parse_percent`` reads it."""
