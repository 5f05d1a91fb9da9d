"""Run a test over both kernels."""

from __future__ import annotations

import importlib
import shutil
import sysconfig
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from shardvault.kernel import pure

COMPILER = (sysconfig.get_config_var("CC") or "cc").split()[0]


def load_native() -> ModuleType:
    return importlib.import_module("shardvault.kernel._native")


def is_compiler_here() -> bool:
    return shutil.which(COMPILER) is not None


def _twins() -> list[ModuleType]:
    try:
        return [pure, load_native()]
    except ImportError:
        return [pure]


TWINS = _twins()


def over_both_kernels(test: Callable[..., Any]) -> Any:
    names = [twin.__name__.rpartition(".")[2] for twin in TWINS]
    return pytest.mark.parametrize("kernel", TWINS, ids=names)(test)
