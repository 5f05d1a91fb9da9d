"""Parse and print sizes and durations."""

from __future__ import annotations

import re

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)b?\s*", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_NAMES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


_DURATION = re.compile(r"(\d+)(s|min|h|d|w)")
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "min": 60, "s": 1}


def parse_duration(text: str) -> int:
    """Read a duration such as ``90min``, ``12h``, ``30d`` or ``2w`` [s]; raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a duration: {text!r}; write one as 12h, 30d or 2w")
    return int(match[1]) * _SECONDS[match[2]]


def format_age(seconds: float) -> str:
    """Write whole seconds as ``parse_duration`` reads them, in the largest unit that fits."""
    whole = int(seconds)
    unit = next(name for name, size in _SECONDS.items() if whole % size == 0)
    return f"{whole // _SECONDS[unit]}{unit}"


def parse_size(text: str) -> int:
    """Read a size such as ``512``, ``64M``, ``1.5 GiB`` [bytes]; every unit is a power of 1024."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a size: {text!r}")
    return int(float(match[1]) * 1024 ** _POWERS[match[2].lower()])


def format_size(size_bytes: float) -> str:
    """Write a size for people, as ``1.5 GiB``."""
    value = float(size_bytes)
    for name in _NAMES[:-1]:
        if abs(value) < 1024:
            return f"{value:.0f} {name}" if name == "B" else f"{value:.1f} {name}"
        value /= 1024
    return f"{value:.1f} {_NAMES[-1]}"


def format_rate(size_bytes: float, seconds: float) -> str:
    """Write a rate for people, as ``210.0 MiB/s``."""
    return f"{format_size(size_bytes / seconds)}/s" if seconds > 0 else "-"


def format_duration(seconds: float) -> str:
    """Write a duration for people: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 03 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def parse_percent(text: str) -> float:
    """Read a share such as ``10%``; raises ValueError unless it is above 0, up to 100."""
    percent = float(text.removesuffix("%"))
    if not 0 < percent <= 100:
        raise ValueError(f"not a share: {text!r}")
    return percent
