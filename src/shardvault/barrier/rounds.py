"""Ask many sessions at once: send every statement first, then collect the answers.

One thread drives all connections. A thread per shard was measured slower: the
interpreter hands over between threads while every shard's writers wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shardvault.barrier.pace import Pace
from shardvault.errors import ShardvaultError
from shardvault.mysql.session import Row, Session

_LEAST_READ_S = 0.05  # an answer that has begun to arrive gets this long to end


@dataclass(frozen=True)
class Ask:
    """Name one statement for one session."""

    session: Session
    statement: str


@dataclass(frozen=True)
class Answer:
    """Hold the rows of an answer and when it came."""

    ask: Ask
    rows: list[Row]
    at_s: float


class AskFailed(Exception):
    """Say which statement of a round failed.

    Attributes:
        cause: the error of the session; None if no answer came in time.
    """

    def __init__(self, ask: Ask, cause: ShardvaultError | None) -> None:
        super().__init__(ask.statement)
        self.ask = ask
        self.cause = cause


def _ignore(_: Answer) -> None:
    pass


class Rounds:
    """Run rounds of statements and remember which are still unanswered."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.pending: dict[Session, Ask] = {}

    def ask(
        self,
        asks: Sequence[Ask],
        deadline_s: float,
        on_answer: Callable[[Answer], None] = _ignore,
    ) -> list[Answer]:
        """Send all statements, then collect all answers, in the order of the asks.

        Args:
            asks: at most one per session.
            deadline_s: when the last answer must be here, on the clock of the pace [s].
            on_answer: called with each answer as it comes.

        Raises:
            AskFailed: at the first failure; the others stay in ``pending``.
        """
        self.send(asks, deadline_s)
        return self.collect(asks, deadline_s, on_answer)

    def run(self, scripts: Sequence[Sequence[Ask]], deadline_s: float) -> list[list[Answer]]:
        """Run scripts side by side: the first statement of each, then the second, and so on."""
        answers: list[list[Answer]] = [[] for _ in scripts]
        for step in range(max(map(len, scripts), default=0)):
            active = [at for at, script in enumerate(scripts) if step < len(script)]
            got = self.ask([scripts[at][step] for at in active], deadline_s)
            for at, answer in zip(active, got, strict=True):
                answers[at].append(answer)
        return answers

    def send(self, asks: Sequence[Ask], deadline_s: float) -> None:
        """Send all statements without waiting; ``collect`` must follow."""
        for ask in asks:
            self._send(ask, deadline_s)

    def collect(
        self,
        asks: Sequence[Ask],
        deadline_s: float,
        on_answer: Callable[[Answer], None] = _ignore,
    ) -> list[Answer]:
        """Wait for the answers to what was sent, in the order of the asks."""
        answers = {}
        while any(ask.session in self.pending for ask in asks):
            for answer in self._collect(asks, deadline_s):
                answers[answer.ask.session] = answer
                on_answer(answer)
        return [answers[ask.session] for ask in asks]

    def _send(self, ask: Ask, deadline_s: float) -> None:
        self._limit(ask.session, deadline_s)
        try:
            ask.session.send(ask.statement)
        except ShardvaultError as error:
            raise AskFailed(ask, error) from error
        self.pending[ask.session] = ask

    def _collect(self, asks: Sequence[Ask], deadline_s: float) -> Iterable[Answer]:
        waiting = [ask.session for ask in asks if ask.session in self.pending]
        ready = self.pace.wait_readable(waiting, deadline_s - self.pace.now_s())
        if not ready:
            raise AskFailed(self.pending[waiting[0]], None)
        for session in ready:
            self._limit(session, deadline_s)
            yield self._receive(self.pending.pop(session))

    def _receive(self, ask: Ask) -> Answer:
        try:
            rows = ask.session.receive(ask.statement)
        except ShardvaultError as error:
            raise AskFailed(ask, error) from error
        return Answer(ask, rows, self.pace.now_s())

    def _limit(self, session: Session, deadline_s: float) -> None:
        session.set_read_timeout(max(deadline_s - self.pace.now_s(), _LEAST_READ_S))
