from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.errors import UsageError
from shardvault.storage import open_storage


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
def test_a_local_folder_is_named_by_path_or_file_url(tmp_path: Path, form: str) -> None:
    open_storage(form.format(tmp_path / "r")).put_new("a", [b"x"])
    assert (tmp_path / "r" / "a").read_bytes() == b"x"


def test_a_file_url_may_hold_escaped_characters(tmp_path: Path) -> None:
    open_storage(f"file://{tmp_path}/my%20backups").put_new("a", [b"x"])
    assert (tmp_path / "my backups" / "a").exists()


@pytest.mark.parametrize(
    "url", ["s3://bucket/x", "relative/path", "file:relative", "", "file://h/x"]
)
def test_any_other_url_is_refused_with_the_forms_that_work(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_storage(url)
    assert "file:///" in str(caught.value.hint)
