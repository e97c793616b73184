"""The command that keeps a generation's model card as a file."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import click
from rich.console import Console

from contract.errors import GenerationError, StoreError
from contract.settings.settings import Settings
from trainer.cli import html_file
from trainer.cli.generation_id import GENERATION_ID

console = Console(soft_wrap=True, highlight=False)
TIMEOUT_S = 30


@click.command()
@click.argument("generation", type=GENERATION_ID)
@click.option("--html", "file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where to write it.")
@click.option("--api", "url", help="Where the API is; default http://127.0.0.1 and LARDER_API_PORT. In containers: http://api:5000.")
def report(generation: str, file: Path, url: str | None) -> None:
    """Write the model card of a generation, as the API shows it, into one HTML file that needs no server."""
    settings = Settings.from_environ(os.environ)
    html_file.check_writable(file)
    base = (url or f"http://127.0.0.1:{settings.api_port}").rstrip("/")
    content = _fetch(base, generation, _key(settings))
    html_file.write(file, content)
    console.print(f"The card of generation {generation} is in {file}", markup=False)


def _fetch(base: str, generation: str, key: str) -> bytes:
    import requests

    address = f"{base}/cards/{quote(generation, safe='')}?file"
    try:
        answer = requests.get(address, headers={"X-API-Key": key} if key else {}, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        raise StoreError(f"the API at {base} does not answer ({type(error).__name__}): is it up? --api names another") from None
    if answer.status_code == 404:
        raise GenerationError(f"the API at {base} knows no generation {generation}")
    if answer.status_code in (303, 401):
        raise StoreError(f"the API at {base} wants a key: set LARDER_API_READ_KEYS here as it is set there")
    if answer.status_code != 200:
        raise StoreError(f"the API at {base} answers with {answer.status_code}")
    return answer.content


def _key(settings: Settings) -> str:
    """The first key that the environment names, if it names any: for reading, else for changing."""
    for keys, file in ((settings.api_read_keys, settings.api_read_keys_file), (settings.api_admin_keys, settings.api_admin_keys_file)):
        text = keys.get_secret_value()
        if not text and file:
            try:
                text = Path(file).read_text(encoding="utf-8")
            except OSError as error:
                raise StoreError(f"{file}: can't be read: {error.strerror}") from None
        found = [key.strip() for key in text.replace("\n", ",").split(",") if key.strip()]
        if found:
            return found[0]
    return ""
