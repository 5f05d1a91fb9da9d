"""Serve one bucket from memory over HTTP as S3 and Google's XML interface do, and fail on order.

It checks no signatures. A *fault* is asked before each request is carried out and says what is
to go wrong with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from enum import Enum
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

from tests.support.places import HOST

_PAGE_NAMES = 1000


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that leave in the middle; tests make them do so."""


class Fault(Enum):
    """What may go wrong with one request."""

    LOSE_ANSWER = "do it, then close the connection"
    STALL = "take nothing, say nothing, until the server ends"
    STALL_BODY = "send a half, then nothing, until the server ends"
    FAIL_LATE = "do it, then answer 500"
    WRONG_TAG = "answer with the tag of other bytes"
    FORGET = "store nothing and say that all is well"
    CUT_BODY = "promise the whole object and close the connection after a half"
    STORE_HALF = "store half of the bytes and say that all is well"
    STALE_LIST = "leave the newest object out of a list"
    EMPTY_PAGE = "answer a list with 200 and a page for people"


@dataclass(frozen=True)
class Refusal:
    """An answer that is an error."""

    status: int
    code: str


Script = Callable[[str, str], Fault | Refusal | None]
"""Is given method and object name."""


@dataclass
class BucketServer:
    """Hold the objects of the bucket and what was asked, as ``PUT name``.

    Attributes:
        ahead_s: how far the bucket's clock is ahead of the true time [s].
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    script: Script = lambda method, name: None
    honours_conditions: bool = True
    ahead_s: float = 0.0

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.stored_s: dict[str, float] = {}
        self.is_closing = threading.Event()
        handler = type("Handler", (_Handler,), {"bucket": self})
        self._server = _Server((HOST, 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.endpoint = f"http://{HOST}:{self._server.server_address[1]}"

    def close(self) -> None:
        """End the server, also what stalls in it."""
        self.is_closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, *faults: Fault | Refusal | None, method: str = "PUT") -> None:
        """Let the next requests of the method go wrong, one fault each."""
        left = list(faults)

        def script(asked: str, _name: str) -> Fault | Refusal | None:
            with self.lock:
                return left.pop(0) if left and asked == method else None

        self.script = script


class _Handler(BaseHTTPRequestHandler):
    bucket: BucketServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_PUT(self) -> None:
        fault = self._begin()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if fault is Fault.STORE_HALF:
            body = body[: len(body) // 2]
        if isinstance(fault, Refusal):
            self._refuse(fault)
        elif fault is not Fault.FORGET and not self._store(body):
            self._refuse(Refusal(412, "PreconditionFailed"))
        else:
            self._answer(200, b"", fault)

    def do_GET(self) -> None:
        fault = self._begin()
        if isinstance(fault, Refusal):
            self._refuse(fault)
        elif self.name:
            self._send_object(fault)
        else:
            self._send_list(fault)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        fault = self._begin()
        if isinstance(fault, Refusal):
            self._refuse(fault)
        else:
            self.bucket.objects.pop(self.name, None)
            self._answer(204, b"", fault)

    def do_POST(self) -> None:
        """Delete one object, as S3 deletes many."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        key = unescape(body.partition("<Key>")[2].partition("</Key>")[0])
        fault = self._begin("DELETE", key)
        if isinstance(fault, Refusal):
            self._refuse(fault)
            return
        self.bucket.objects.pop(key, None)
        done = f"<DeleteResult><Deleted><Key>{escape(key)}</Key></Deleted></DeleteResult>"
        self._answer(200, done.encode(), fault)

    def log_message(self, *_: object) -> None:
        pass

    def _begin(self, method: str = "", name: str = "") -> Fault | Refusal | None:
        """Note a request and ask what goes wrong; the words say what it amounts to."""
        parts = urlsplit(self.path)
        method = method or self.command
        self.name = name or unquote(parts.path).lstrip("/").partition("/")[2]
        self.query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.bucket.requests.append(f"{method} {self.name}")
        fault = self.bucket.script(method, self.name)
        if fault is Fault.STALL:
            self.bucket.is_closing.wait(60)
        return fault

    def _is_conditional(self) -> bool:
        asked = "If-None-Match" in self.headers or "x-goog-if-generation-match" in self.headers
        return asked and self.bucket.honours_conditions

    def _store(self, body: bytes) -> bool:
        """Keep an object; say whether the condition allowed it."""
        with self.bucket.lock:
            if self._is_conditional() and self.name in self.bucket.objects:
                return False
            self.bucket.objects[self.name] = body
            self.bucket.stored_s[self.name] = time.time() + self.bucket.ahead_s
            return True

    def _time(self, name: str) -> float:
        return self.bucket.stored_s.get(name, 0.0)

    def _send_object(self, fault: Fault | None) -> None:
        data = self.bucket.objects.get(self.name)
        if data is None:
            self._refuse(Refusal(404, "NoSuchKey"))
            return
        begin, end = self._range(len(data))
        if begin >= end and "Range" in self.headers:
            self._refuse(Refusal(416, "InvalidRange"))
            return
        place = {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}
        is_part = "Range" in self.headers
        self._answer(206 if is_part else 200, data[begin:end], fault, place if is_part else {})

    def _range(self, size: int) -> tuple[int, int]:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        return int(first), min(size, int(last) + 1) if last else size

    def _send_list(self, fault: Fault | None) -> None:
        after = self.query.get("continuation-token") or self.query.get("start-after", "")
        prefix = self.query.get("prefix", "")
        found = [name for name in tuple(self.bucket.objects) if name.startswith(prefix)]
        if fault is Fault.STALE_LIST:
            found = found[:-1]
        names = sorted(name for name in found if name > after)
        page = names[:_PAGE_NAMES]
        text = "".join(map(self._describe, page))
        if len(names) > len(page):
            text += f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>"
        body = f"<?xml version='1.0'?><ListBucketResult>{text}</ListBucketResult>"
        if fault is Fault.EMPTY_PAGE:
            body = "<html><body>We will be back soon.</body></html>"
        self._answer(200, body.encode(), fault)

    def _describe(self, name: str) -> str:
        size = len(self.bucket.objects.get(name, b""))
        return (
            f"<Contents><Key>{escape(name)}</Key><LastModified>{_format(self._time(name))}</LastModified>"
            f'<ETag>"x"</ETag><Size>{size}</Size></Contents>'
        )

    def _refuse(self, refusal: Refusal) -> None:
        self._answer(refusal.status, f"<Error><Code>{refusal.code}</Code></Error>".encode(), None)

    def _answer(
        self,
        status: int,
        body: bytes,
        fault: Fault | None,
        headers: dict[str, str] | None = None,
    ) -> None:
        if fault is Fault.LOSE_ANSWER:
            self.close_connection = True
            return
        if fault is Fault.FAIL_LATE:
            self._refuse(Refusal(500, "InternalError"))
            return
        self.send_response(status)
        tagged = b"of others" if fault is Fault.WRONG_TAG else body
        self.send_header("ETag", f'"{md5(tagged, usedforsecurity=False).hexdigest()}"')
        self.send_header("x-goog-generation", "1")
        self.send_header("Last-Modified", formatdate(self._time(self.name), usegmt=True))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault in {Fault.CUT_BODY, Fault.STALL_BODY}:
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)
        if fault is Fault.STALL_BODY:
            self.bucket.is_closing.wait(60)


def _format(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
