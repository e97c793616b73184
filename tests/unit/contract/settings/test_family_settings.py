"""Settings of the family of models: what goes together, and what is refused."""

from __future__ import annotations

import pytest

from contract.errors import SettingsError
from contract.settings.family import affinity_of
from contract.settings.settings import ModelSettings, Settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("binary", "own-last", 60.0)),
        ("binary", ("binary", "none", 0.0)),
        ("log:now", ("log", "now", 60.0)),
        ("weights:own-last:7.5", ("weights", "own-last", 7.5)),
        ("binary:rank", ("binary", "rank", 0.9)),
        ("binary:rank:0.7", ("binary", "rank", 0.7)),
    ],
)
def test_an_affinity_is_read(text: str, expected: tuple[str, str, float]) -> None:
    assert affinity_of(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ratings", "expected KIND, KIND:DECAY or KIND:DECAY:AMOUNT"),
        ("binary:never", "expected KIND"),
        ("binary:none:3", "expected KIND"),
        ("binary:now:soon", "'soon' is not a number"),
        ("binary:rank:1.5", "a step of rank leaves 1.5"),
        ("binary:own-last:0", "a half-life of 0 days"),
        ("binary:now:nan", "a half-life of nan days"),
    ],
)
def test_what_is_no_affinity_is_refused_with_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"--affinity='{text}': {said}"):
        Settings.from_environ({}, affinity=text)


def test_only_sar_normalizes_unless_told() -> None:
    assert Settings.from_environ({}).normalize
    assert not Settings.from_environ({}, model="ease").normalize
    made = Settings.from_environ({"LARDER_MODEL": "slit"}).model_settings
    assert ModelSettings.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "ease", "normalize": True}, "with model ease say --no-normalize"),
        ({"prior_gain": 0.1}, "with --affinity or --prior-gain say --no-normalize"),
        ({"affinity": "binary"}, "with --affinity or --prior-gain say --no-normalize"),
        ({"model": "ease", "engine": "recommenders"}, "has SAR alone"),
        ({"explore": 0.1}, "new_items, by which new items are known and scored, is off: set LARDER_NEW_ITEMS"),
        ({"explore": 0.6, "new_items": 1}, "less than or equal to 0.5"),
        ({"explore": 0.01, "new_items": 1}, "one place in 100, and a list stores 30"),
        ({"model": "ease", "blend": "ease"}, "A blend is of two different models"),
        ({"blend": "ease"}, "A blend is of two different models"),
        ({"model": "popularity", "prior_gain": 0.1}, "Popularity is a prior alone"),
        ({"model": "trending", "prior_days": 0}, "Trending counts what is new"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_environ({}, **given)


@pytest.mark.parametrize(
    ("share", "every"), [(0.0, 0), (0.1, 10), (0.2, 5), (0.3, 4), (1 / 3, 3), (0.34, 3), (0.4, 3), (0.5, 2), (0.05, 20)]
)
def test_a_share_is_one_of_so_many_places(share: float, every: int) -> None:
    assert ModelSettings(new_items=1, explore=share).explores_every == every
