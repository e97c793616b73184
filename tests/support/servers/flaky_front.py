"""A port before an object store that fails one request in `every`, each time in another way."""

from __future__ import annotations

import http.client
import http.server
import itertools
import threading
from collections import Counter
from typing import ClassVar

WAYS = ("refused", "closed before it", "closed after it", "cut short")
_OWN = ("connection", "transfer-encoding", "keep-alive")


class FlakyFront:
    """`failed`: how often, by way. A request that is "closed after it" has been done, and nobody is told."""

    def __init__(self, port: int, every: int = 20) -> None:
        self.failed: Counter[str] = Counter()
        self.n_requests = 0
        ways, lock, front = itertools.cycle(WAYS), threading.Lock(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            methods: ClassVar = ("GET", "PUT", "POST", "HEAD", "DELETE")

            def carry(self) -> None:
                with lock:
                    front.n_requests += 1
                    way = next(ways) if front.n_requests % every == 0 else ""
                    front.failed.update([way] if way else [])
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if way == "refused":
                    self.answer(503, [], b"busy")
                elif way == "closed before it":
                    self.close_connection = True
                else:
                    there = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                    there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        there.putheader(name, value)
                    there.endheaders(body)
                    answer = there.getresponse()
                    data = answer.read()
                    there.close()
                    if way == "closed after it":
                        self.close_connection = True
                    else:
                        self.answer(answer.status, answer.getheaders(), data, is_cut=way == "cut short")

            def answer(self, status: int, headers: list[tuple[str, str]], data: bytes, is_cut: bool = False) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in (*_OWN, "content-length"):
                        self.send_header(name, value)
                length = next((value for name, value in headers if name.lower() == "content-length"), len(data))
                if status != 204:
                    self.send_header("Content-Length", str(length if self.command == "HEAD" else len(data)))
                self.end_headers()
                if is_cut:
                    self.close_connection = True
                    data = data[: len(data) // 2]
                if self.command != "HEAD":
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        for method in Handler.methods:
            setattr(Handler, f"do_{method}", Handler.carry)
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> FlakyFront:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
