"""Who takes traces: a server of OTLP over HTTP that keeps spans, and a real agent, rotel, that passes them on to it."""

from __future__ import annotations

import gzip
import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server
from typing import Any

from tests.support.servers.services import await_that


@dataclass(frozen=True, slots=True)
class Span:
    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]


class OtlpServer:
    """`spans` are those that came, in the order of their coming. Started by `with`."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.spans += _spans(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_: object) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> OtlpServer:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def _spans(body: bytes) -> Iterator[Span]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = next(each.value.string_value for each in resource.resource.attributes if each.key == "service.name")
        for scope in resource.scope_spans:
            for span in scope.spans:
                attributes = {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}
                yield Span(service, span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), attributes)


@contextmanager
def agent(target: OtlpServer, folder: Path) -> Iterator[str]:
    """Address of a rotel that passes on to `target`, once it takes connections."""
    import rotel  # type: ignore[import-untyped]

    ports = []
    for _ in range(2):
        with create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    grpc, web = (f"127.0.0.1:{port}" for port in ports)
    command = [str(Path(rotel.__file__).parent / "rotel-agent"), "start", "--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", web]
    command += ["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", target.url]
    with open(folder / "rotel.log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as process:
        try:
            await_that(lambda: _answers(ports[1]), lambda: f"rotel listens; its log:\n{(folder / 'rotel.log').read_text()}")
            yield f"http://{web}"
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
