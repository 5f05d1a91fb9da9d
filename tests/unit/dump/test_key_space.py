from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shardvault.dump.key_space import KeySpace, build_space, extent_expression
from shardvault.model.schema import Column


def column(data_type: str, collation: str | None = None) -> Column:
    charset = collation.split("_")[0] if collation else None
    return Column("k", data_type, data_type, charset, collation, False, False)


def space(data_type: str, low: bytes, high: bytes, collation: str | None = None) -> KeySpace:
    found = build_space(column(data_type, collation), low, high)
    assert found is not None
    return found


@given(st.lists(st.integers(-(10**12), 10**12), min_size=2, max_size=2))
def test_decimals_are_counted_in_units_of_their_last_place(values: list[int]) -> None:
    low, high = sorted(values)
    first, last = (str(Decimal(value).scaleb(-3)) for value in (low, high))
    found = space("decimal", f"{Decimal(first):.3f}".encode(), f"{Decimal(last):.3f}".encode())
    assert (found.low, found.high) == (low, high)
    assert Decimal(found.literal(low)) == Decimal(first)


def test_decimals_below_one_keep_their_sign() -> None:
    found = space("decimal", b"-0.05", b"0.05")
    assert [found.literal(value) for value in (-5, -1, 0, 5)] == ["-0.05", "-0.01", "0.00", "0.05"]


def test_decimals_without_places_are_whole_numbers() -> None:
    assert space("decimal", b"-7", b"9").literal(5) == "5."


def test_words_in_a_collation_that_ignores_case_meet_only_letters_and_digits() -> None:
    found = space("varchar", b"apple", b"Zebra", "utf8mb4_general_ci")
    literals = {found.literal(found.low + (found.high - found.low) * n // 50) for n in range(50)}
    words = [bytes.fromhex(text.split("'")[1]) for text in literals]
    assert all(word.isalnum() and word == word.upper() for word in words)
    assert min(words) >= b"APPLE"


def test_a_common_prefix_is_not_cut_within_a_character() -> None:
    found = space("varchar", "Straßeà".encode(), "Straßeé".encode(), "utf8mb4_bin")
    prefix = bytes.fromhex(found.literal(found.low).split("'")[1])
    assert prefix.decode().startswith("Straße")


def test_bytes_map_to_bytes() -> None:
    found = space("varbinary", b"\x00\xff", b"\xff\x00\x01")
    assert found.literal(found.low).startswith("X'00ff")
    assert found.literal(found.high).startswith("X'ff0001")


def test_impossible_dates_are_not_cut() -> None:
    assert build_space(column("date"), b"0000-00-00", b"2020-01-01") is None
    assert space("date", b"2020-01-01", b"2020-01-03").literal(737426) == "DATE'2020-01-02'"


def test_types_without_an_order_of_numbers_are_not_cut() -> None:
    assert extent_expression(column("enum")) is None
    assert extent_expression(column("double")) is None
