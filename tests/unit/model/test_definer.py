"""Rules about definers are read as a user writes them."""

from __future__ import annotations

import pytest

from shardvault.errors import UsageError
from shardvault.model.definer import (
    OWN_LOGIN,
    Definer,
    DefinerRules,
    MissingDefiner,
    parse_definer_rules,
)

APP, DBA = Definer("app", "10.%"), Definer("dba", "localhost")


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        ((), DefinerRules()),
        (("keep",), DefinerRules(MissingDefiner.KEEP)),
        (("skip",), DefinerRules(MissingDefiner.SKIP)),
        (("app@10.%=dba@localhost",), DefinerRules(replaced={APP: DBA})),
        (("`app`@`10.%`='dba'@'localhost'",), DefinerRules(replaced={APP: DBA})),
        (("*=dba@localhost", "skip"), DefinerRules(MissingDefiner.SKIP, {}, DBA)),
        (("*=current_user",), DefinerRules(substitute=OWN_LOGIN)),
        (("a_role=dba@localhost",), DefinerRules(replaced={Definer("a_role"): DBA})),
        (("`a=b@c``d`@`%`=dba@localhost",), DefinerRules(replaced={Definer("a=b@c`d", "%"): DBA})),
    ],
)
def test_each_form_is_read(words: tuple[str, ...], rules: DefinerRules) -> None:
    assert parse_definer_rules(words) == rules


@pytest.mark.parametrize(
    "words", [("drop",), ("=x",), ("a=",), ("a@b@c=d@e",), ("keep", "skip"),
              ("app@h=a@h", "app@h=b@h"), ("",)]
)  # fmt: skip
def test_what_is_no_rule_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        parse_definer_rules(words)


def test_equal_rules_are_described_alike_and_none_gives_nothing() -> None:
    one = parse_definer_rules(("a@h=b@h", "keep", "c@h=d@h", "*=e@h"))
    other = parse_definer_rules(("*=e@h", "c@h=d@h", "a@h=b@h", "keep"))
    assert one.describe() == other.describe() != []
    assert DefinerRules().describe() == []


def test_a_definer_is_written_as_servers_write_it() -> None:
    assert [str(APP), str(Definer("a`b"))] == ["`app`@`10.%`", "`a``b`"]
