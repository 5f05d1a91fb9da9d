"""Say what cases become on another server: refused with which words, or told as what.

A case that no line here speaks of must come back equal, without a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.exactness.case import EVERYWHERE, MARIADB, MYSQL, Case
from tests.exactness.quirks import Quirks
from tests.support.servers import Flavour

COLLATION = "utf8mb4_general_ci"
"""The default collation of source and target: one that all of them know."""


@dataclass(frozen=True)
class Pair:
    """Say where a case is laid, where it is restored, and what these two servers are like."""

    source: Flavour
    target: Flavour
    source_quirks: Quirks
    target_quirks: Quirks

    @property
    def is_near(self) -> bool:
        """Say whether both are of one family."""
        return self.source.family is self.target.family


@dataclass(frozen=True)
class Rule:
    """Tie what a case lays to the words with which another server's examination answers.

    Attributes:
        source, target: servers between which this holds.
        laid: pattern of what the case's statements say.
        words: what the finding says.
        source_lacks, target_lacks: ability of ``quirks`` without which this holds; empty = always.
    """

    source: frozenset[Flavour]
    target: frozenset[Flavour]
    laid: str
    words: str
    source_lacks: str = ""
    target_lacks: str = ""

    def covers(self, case: Case, pair: Pair) -> bool:
        """Say whether the rule speaks of a case that goes from one server to another."""
        return (
            pair.source in self.source
            and pair.target in self.target
            and _lacks(pair.source_quirks, self.source_lacks)
            and _lacks(pair.target_quirks, self.target_lacks)
            and re.search(self.laid, _text(case)) is not None
        )


@dataclass(frozen=True)
class Fault:
    """Say between which servers a case is known to differ, and why.

    Attributes:
        target_lacks: this holds only where the source has this ability of ``quirks`` and the
            target has not; empty = always.
    """

    source: frozenset[Flavour]
    target: frozenset[Flavour]
    why: str
    target_lacks: str = ""
    is_far_only: bool = False

    def covers(self, pair: Pair) -> bool:
        """Say whether this holds between two servers."""
        return (
            pair.source in self.source
            and pair.target in self.target
            and not (self.is_far_only and pair.is_near)
            and self._is_lost(pair)
        )

    def _is_lost(self, pair: Pair) -> bool:
        ability = self.target_lacks
        return not ability or (
            pair.source_quirks.has(ability) and not pair.target_quirks.has(ability)
        )


def _lacks(quirks: Quirks, ability: str) -> bool:
    return not ability or not quirks.has(ability)


REFUSED = (
    Rule(MARIADB, MYSQL, r"CREATE SEQUENCE", "sequences cannot"),
    Rule(MARIADB, MYSQL, r"(?i)NEXTVAL\(.*\bv INT|DEFAULT \(?NEXTVAL", "defaults from sequences"),
    Rule(MARIADB, MYSQL, r"WITH SYSTEM VERSIONING", "history of system-versioned tables"),
    Rule(MARIADB, MYSQL, r"\bUUID(,| PRIMARY)", "type uuid"),
    Rule(MARIADB, MYSQL, r"\bINET6\b", "type inet6"),
    Rule(MARIADB, MYSQL, r"\bINET4\b", "type inet4"),
    Rule(MARIADB, MYSQL, r"PERIOD FOR [p`]", "periods"),
    Rule(MARIADB, MYSQL, r"ENGINE=Aria", "ARIA is not available"),
    Rule(MARIADB, MYSQL, r"uca1400|_nopad_", "is unknown here"),
    Rule(MARIADB, MYSQL, r"DECIMAL\(38,38\)", "more than 30 decimals"),
    Rule(MARIADB, MYSQL, r"FLOAT AUTO_INCREMENT", "counters that are no integers"),
    Rule(MARIADB, MYSQL, r"(?s)\AORACLE\n.*CONCAT", "functions of Oracle's mode"),
    Rule(MARIADB, MYSQL, r"PARTITION z DEFAULT", "partitions of all other values"),
    Rule(MARIADB, MYSQL, r"ENGINE=MyISAM PARTITION", "partitions of other engines"),
    Rule(MARIADB, MYSQL, r"\(a TEXT, b BLOB, UNIQUE KEY", "unique keys over whole texts"),
    Rule(MARIADB, MYSQL, r"VECTOR INDEX", "keys over vectors"),
    Rule(MARIADB, MYSQL, r"CREATE PACKAGE", "packages"),
    Rule(MARIADB, MYSQL, r"AGGREGATE FUNCTION", "aggregate functions"),
    Rule(MARIADB, MYSQL, r"sql_mode = 'ORACLE'", "sql_mode (ORACLE|SIMULTANEOUS_ASSIGNMENT)"),
    Rule(MARIADB, MYSQL, r"(?s)CREATE USER|CREATE ROLE", "accounts of another family"),
    Rule(MYSQL, MARIADB, r"(?s)CREATE USER|CREATE ROLE", "accounts of another family"),
    Rule(MYSQL, MARIADB, r"\bJSON\b", "binary JSON"),
    Rule(MYSQL, MARIADB, r"\bVECTOR\b", "type vector|vectors of any length"),
    Rule(MYSQL, MARIADB, r"KEY \w+ \(\(|KEY \(\(", "keys over expressions"),
    Rule(MYSQL, MARIADB, r" SRID \d", "columns of one spatial reference system"),
    Rule(MYSQL, MARIADB, r"NOT ENFORCED", "checks that are not enforced"),
    Rule(MYSQL, MARIADB, r"STORED, PRIMARY KEY", "generated columns that are NOT NULL"),
    Rule(MYSQL, MARIADB, r"gb18030", "is unknown here"),
    Rule(MYSQL, MARIADB, r"utf8mb4_(\w+_)?0900", "is unknown here"),
    Rule(MYSQL, MARIADB, r"ENGINE=ARCHIVE", "ARCHIVE is not available"),
    Rule(MYSQL, MARIADB, r"ENGINE=BLACKHOLE", "BLACKHOLE is not available"),
    Rule(
        MARIADB,
        MYSQL,
        r"CHARACTER SET (utf8mb[34]|ucs2|utf16\b|utf32)(?! COLLATE)",
        "_uca1400_ai_ci is unknown here",
        source_lacks="plain_utf8mb4_is_general",
    ),
    Rule(
        MARIADB,
        MARIADB,
        r"CHARACTER SET (utf8mb[34]|ucs2|utf16\b|utf32)(?! COLLATE)",
        "_uca1400_ai_ci is unknown here",
        source_lacks="plain_utf8mb4_is_general",
        target_lacks="uca1400",
    ),
    Rule(
        MYSQL,
        MARIADB,
        r"CHARACTER SET utf8mb4(?! COLLATE)",
        "utf8mb4_0900_ai_ci is unknown here",
        target_lacks="0900",
    ),
    Rule(MYSQL, MARIADB, r"CONSTRAINT `PRIMARY`", "checks named PRIMARY"),
    # Some versions print such options inside a comment, which a value can end too early.
    Rule(
        MARIADB,
        MYSQL,
        r"IGNORE_BAD_TABLE_OPTIONS",
        "options of an engine|quote or comment without end",
    ),
    Rule(MARIADB, MARIADB, r"\bVECTOR\b", "type vector", target_lacks="vector"),
    Rule(MARIADB, MARIADB, r"\bUUID(,| PRIMARY)", "type uuid", target_lacks="uuid"),
    Rule(MARIADB, MARIADB, r"\bINET4\b", "type inet4", target_lacks="inet4"),
    Rule(MARIADB, MARIADB, r"uca1400", "is unknown here", target_lacks="uca1400"),
    Rule(
        MARIADB,
        MARIADB,
        r"CREATE SEQUENCE \w+ AS ",
        "sequences of a type",
        target_lacks="sequence_of_a_type",
    ),
)
"""What the examination of the target refuses, before anything is touched."""

TOLD = (
    Rule(MARIADB, MARIADB, r"GRANT PROXY", "account reads back differently"),
    Rule(MARIADB, MARIADB, r"IGNORE_BAD_TABLE_OPTIONS", "definition reads differently"),
    Rule(MYSQL, MARIADB, r"READ ONLY = 1", "was read only and is not any more"),
)
"""What the restore tells, beside what it tells on the same server."""

IN_OWN_WORDS = re.compile(r"JSON_TYPE|ST_AsText")
"""Functions by which another family tells an equal value in other words."""

MAY_BE_TOLD = re.compile(r"^reads back differently$")
"""What the restore may tell of code: each family prints it in its own way."""

_BACKTICKS = Fault(
    EVERYWHERE,
    EVERYWHERE,
    "MySQL's catalogue misspells backticks in bodies; SHOW CREATE does not",
    is_far_only=True,
)
_FORMATS = Fault(
    MARIADB, MYSQL, "MySQL drops options that InnoDB does not have; the restore tells it"
)
_MINUS_ZERO = Fault(
    EVERYWHERE, MARIADB, "it has no minus zero; found at the proof", target_lacks="minus_zero"
)
_CHECKS = Fault(MARIADB, MYSQL, "checks hold during the load; found at the row")

STOPPED: dict[str, Fault] = {
    "named_backtick": _BACKTICKS,
    "named_only_backticks": _BACKTICKS,
    "row_format_that_strict_mode_refuses": _FORMATS,
    "row_formats_that_the_engine_does_not_have": _FORMATS,
    "counter_of_nothing_on_mysql": Fault(
        MYSQL,
        MARIADB,
        "it keeps no counter of a table without such a column; the restore tells it",
        target_lacks="counter_of_nothing",
    ),
    "counter_used_up": Fault(MYSQL, MARIADB, "MariaDB tells one more; the restore tells it"),
    "generated_under_another_mode": Fault(MYSQL, MARIADB, "MariaDB refuses what sql_mode changes"),
    "time_edges": Fault(MARIADB, MYSQL, "TIME ends at 838:59:59.000000; found at the row"),
    "timestamp_after_2038": Fault(
        MARIADB,
        EVERYWHERE,
        "TIMESTAMP ends in 2038; found at the row",
        target_lacks="timestamp_after_2038",
    ),
    "minus_zero_double": _MINUS_ZERO,
    "minus_zero_float": _MINUS_ZERO,
    "minus_zero_is_there": _MINUS_ZERO,
    "zeros_before_the_sign_of_zero": _MINUS_ZERO,
    "json_that_is_not_valid": _CHECKS,
    "check_that_old_rows_violate": _CHECKS,
    "named_foreign_keys_with_backticks": Fault(
        EVERYWHERE,
        MARIADB,
        "it misspells them, so that they cannot be backed up again",
        target_lacks="foreign_key_with_backticks",
    ),
}
"""Cases that are known to differ: where, and why. A restore that fails leaves its target marked."""


def list_refusals(case: Case, pair: Pair) -> list[str]:
    """Give the words of each refusal that a case must meet; none = it must be taken."""
    return list(dict.fromkeys(rule.words for rule in REFUSED if rule.covers(case, pair)))


def list_findings(case: Case, pair: Pair) -> list[str]:
    """Give the words of each finding that the restore of a case must give."""
    return [rule.words for rule in TOLD if rule.covers(case, pair)]


def find_fault(case: Case, pair: Pair) -> str:
    """Say why a case is known to fail between two servers, empty if it is not."""
    fault = STOPPED.get(case.name)
    return fault.why if fault and fault.covers(pair) else ""


def _text(case: Case) -> str:
    statements = [
        one.decode("latin-1") if isinstance(one, bytes) else one for one in case.statements
    ]
    return "\n".join([case.mode, *statements])
