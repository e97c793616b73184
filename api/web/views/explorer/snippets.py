"""A request of the API to copy: as curl, in Python and in JavaScript. Each works as it is; a key that is needed is read from LARDER_KEY."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from urllib.parse import urlencode

CURL_KEY = '-H "Authorization: Bearer $LARDER_KEY" '
PYTHON_KEY = '{"Authorization": f"Bearer {os.environ[\'LARDER_KEY\']}"}'
SCRIPT_KEY = "Authorization: `Bearer ${process.env.LARDER_KEY}`"


@dataclass(frozen=True, slots=True)
class Snippet:
    name: str
    code: str


def posted(address: str, body: Mapping[str, object], *, needs_key: bool) -> list[Snippet]:
    """A POST of JSON: so that an id may hold whatever it holds."""
    text = json.dumps(body, ensure_ascii=False)
    curl = f"curl -s {CURL_KEY if needs_key else ''}{quote(address)} -H 'Content-Type: application/json' -d {quote(text)}"
    python = f"requests.post({json.dumps(address)}, json={_literal(body)}{_headers(needs_key)}, timeout=5)"
    headers = f'{{ "Content-Type": "application/json"{f", {SCRIPT_KEY}" if needs_key else ""} }}'
    script = f'fetch({json.dumps(address)}, {{\n  method: "POST",\n  headers: {headers},\n  body: JSON.stringify({text}),\n}})'
    return [Snippet("curl", curl), Snippet("Python", _python(python, needs_key)), Snippet("JavaScript", _script(script))]


def asked(address: str, query: Mapping[str, str], *, needs_key: bool) -> list[Snippet]:
    whole = f"{address}?{urlencode(query)}"
    python = f"requests.get({json.dumps(address)}, params={_literal(query)}{_headers(needs_key)}, timeout=5)"
    script = f"fetch({json.dumps(whole)}{f', {{ headers: {{ {SCRIPT_KEY} }} }}' if needs_key else ''})"
    return [
        Snippet("curl", f"curl -s {CURL_KEY if needs_key else ''}{quote(whole)}"),
        Snippet("Python", _python(python, needs_key)),
        Snippet("JavaScript", _script(script)),
    ]


def _literal(values: Mapping[str, object]) -> str:
    return repr(dict(values))


def _headers(needs_key: bool) -> str:
    return f", headers={PYTHON_KEY}" if needs_key else ""


def _python(call: str, needs_key: bool) -> str:
    head = "import os\n\nimport requests" if needs_key else "import requests"
    loop = 'for item in answer.json()["items"]:\n    print(item["rank"], item["item_id"], item["score"])'
    return f"{head}\n\nanswer = {call}\nanswer.raise_for_status()\n{loop}"


def _script(call: str) -> str:
    loop = "for (const item of (await answer.json()).items) console.log(item.rank, item.item_id, item.score);"
    return f"const answer = await {call};\nif (!answer.ok) throw new Error(await answer.text());\n{loop}"
