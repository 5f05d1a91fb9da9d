"""Options of a definition are found and taken out without touching what stands in quotes."""

from __future__ import annotations

import pytest

from shardvault.fleet.table_options import (
    find_places,
    has_unknown_options,
    keeps_rows_in_own_file,
    revive_unknown_options,
    strip_places,
)

HEAD = b"CREATE TABLE `DATA DIRECTORY='/x'` (\n  `id` int COMMENT ' DATA DIRECTORY=''/x'''\n)"
PLACES = {
    b" DATA DIRECTORY='/x/''y/'": ("DATA DIRECTORY",),
    b" DATA DIRECTORY='/x/' INDEX DIRECTORY='/y/'": ("DATA DIRECTORY", "INDEX DIRECTORY"),
    b" /*!50100 TABLESPACE `a``b` */": ("TABLESPACE",),
    b"": (),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_found_and_taken_out(place: bytes) -> None:
    definition = HEAD + b" ENGINE=InnoDB" + place + b" COMMENT='/* TABLESPACE `a` */'"
    assert find_places(definition) == PLACES[place]
    assert strip_places(definition) == definition.replace(place, b"")


@pytest.mark.parametrize("close", [b")", b") */"])
def test_places_of_partitions_are_taken_out_too(close: bytes) -> None:
    place = b" DATA DIRECTORY = '/x/'"
    part = b"(PARTITION a VALUES LESS THAN (3)" + place + b" ENGINE = InnoDB" + close
    assert find_places(HEAD + part) == ("DATA DIRECTORY",)
    assert strip_places(HEAD + part) == HEAD + part.replace(place, b"")


@pytest.mark.parametrize("name", [b"innodb_system", b"innodb_file_per_table"])
def test_a_tablespace_that_every_server_has_is_no_place(name: bytes) -> None:
    definition = HEAD + b" /*!50100 TABLESPACE `" + name + b"` */ ENGINE=InnoDB"
    assert find_places(definition) == ()
    assert strip_places(definition) == definition


@pytest.mark.parametrize("value", [rb"x*\/y", b"x*/y"], ids=["10.11", "11.8"])
def test_options_that_no_engine_knows_are_options_again(value: bytes) -> None:
    options = b" `a`='" + value + b"' `b`=3"
    definition = HEAD + b" PAGE_CHECKSUM=0 /*" + options + b" */ COMMENT=' /* c */'"
    assert has_unknown_options(definition)
    assert revive_unknown_options(definition) == (
        HEAD + b" PAGE_CHECKSUM=0" + options + b" COMMENT=' /* c */'"
    )


@pytest.mark.parametrize("tail", [b" /*!50100 PARTITION BY KEY () */", b" COMMENT=' /* c */'"])
def test_other_comments_and_texts_are_left_alone(tail: bytes) -> None:
    assert not has_unknown_options(HEAD + tail)
    assert revive_unknown_options(HEAD + tail) == HEAD + tail


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        (b"", True),
        (b" `TABLE_TYPE`=CSV", True),
        (b" `table_type`='json'", True),
        (b" `TABLE_TYPE`='CSV' COMMENT='`FILE_NAME`=x'", True),
        (b" `TABLE_TYPE`='CSV' `FILE_NAME`='/srv/x.csv'", False),
        (b" `TABLE_TYPE`='ODBC'", False),
    ],
)
def test_a_connect_table_keeps_its_rows_unless_it_names_a_file_or_another_server(
    options: bytes, keeps: bool
) -> None:
    assert keeps_rows_in_own_file(HEAD + b" ENGINE=CONNECT" + options) is keeps
