from __future__ import annotations

import inspect
import pkgutil
from importlib.metadata import version

import pytest

import shardvault
from shardvault import app, errors
from shardvault.model import backup_plan, comparison, export, report, upkeep


@pytest.mark.parametrize("name", shardvault.__all__)
def test_every_public_name_is_there_and_described(name: str) -> None:
    value = getattr(shardvault, name)
    assert isinstance(value, str) or inspect.getdoc(value)


def test_no_module_hides_a_public_name() -> None:
    modules = {module.name for module in pkgutil.iter_modules(shardvault.__path__)}
    assert not modules & set(shardvault.__all__)


def test_every_operation_report_and_error_is_public() -> None:
    assert set(app.__all__) <= set(shardvault.__all__)
    for module in (backup_plan, comparison, export, report, upkeep, errors):
        made_here = {
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
        }
        assert made_here
        assert made_here <= set(shardvault.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = shardvault.frobnicate


def test_names_can_be_listed() -> None:
    assert set(shardvault.__all__) <= set(dir(shardvault))


def test_the_version_is_the_one_that_was_built() -> None:
    assert shardvault.__version__ == version("shardvault")
