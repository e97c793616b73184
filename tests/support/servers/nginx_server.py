"""nginx, with TLS, as docs/api.md sets it up in front of the API: the very text of the documentation, on a port of the tests' own."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.paths import ROOT
from tests.support.tools import require

FRAME = """
daemon off; {user} pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
{documented}
}}
"""


class Nginx:
    """`strips`: it takes the prefix from the path, as proxies may, in place of leaving it there."""

    def __init__(self, api_port: int, *, strips: bool = False) -> None:
        self._program = require("nginx")
        self._place = tempfile.TemporaryDirectory(prefix="larder-nginx-", dir="/tmp")
        self._folder = Path(self._place.name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        shown = re.search(r"```nginx\n(.+?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
        assert shown is not None
        text = shown[1].replace("127.0.0.1:5000", f"127.0.0.1:{api_port}").replace("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl")
        if strips:
            text = text.replace("proxy_pass http://larder;", "proxy_pass http://larder/;")
        user = "user root;" if Path("/proc/self").owner() == "root" else ""
        (self._folder / "nginx.conf").write_text(FRAME.format(user=user, folder=self._folder, documented=text))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """With the prefix."""
        return f"https://127.0.0.1:{self.port}/larder"

    @property
    def certificate(self) -> str:
        return str(self._folder / "cert.pem")

    def __enter__(self) -> Self:
        subprocess.run(
            [
                *(require("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
                *("-subj", "/CN=larder", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(self._folder / "key.pem"), "-out", self.certificate),
            ],
            check=True,
            capture_output=True,
        )
        command = [self._program, "-p", str(self._folder), "-e", str(self._folder / "error.log"), "-c", str(self._folder / "nginx.conf")]
        self._process = subprocess.Popen(command)
        return self

    def is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def log(self) -> str:
        return (self._folder / "error.log").read_text()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
        self._place.cleanup()
