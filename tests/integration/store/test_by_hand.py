"""What CONTRIBUTING.md says about following one user from Redis by hand, as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from redis import Redis

from contract.formats.keys import Keys, bucket_of
from tests.support.builders import promote_lists
from tests.support.paths import ROOT


def test_one_user_is_followed_by_hand(
    redis_server: str, store_redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    promote_lists(store_redis, Keys(), {54: [(7, 2.5), (8, 1.25)], 55: [(9, 1.0)]}, generation="g7")
    (tmp_path / "var" / "run").mkdir(parents=True)
    (tmp_path / "var" / "run" / "environment.json").write_text(json.dumps({"LARDER_REDIS_URL": redis_server}))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "CONTRIBUTING.md", "exec"), {})
    key = Keys().recs("g7", bucket_of(54, 4))
    assert capsys.readouterr().out.splitlines() == [key, "(7, 2.5)", "(8, 1.25)", "b'current'"]
