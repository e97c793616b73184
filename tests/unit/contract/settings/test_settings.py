"""Settings: strict, and an error says which variable or option has which value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from contract.errors import SettingsError
from contract.settings import service_links
from contract.settings.settings import PREFIX, ModelSettings, Settings, SourceSettings, hide_password


def refusal(environ: dict[str, str], **options: object) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ(environ, **options)
    return str(caught.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_environ({})
    assert settings == Settings()
    assert (settings.engine, settings.similarity, settings.time_decay_days) == ("larder", "jaccard", 30.0)
    assert (settings.normalize, settings.exclude_seen, settings.threshold, settings.neighbors) == (True, True, 1, 0)
    assert (settings.k, settings.depth, settings.stored_depth) == (10, 0, 30)
    assert settings.interactions == "movielens-small"
    assert (settings.redis_url, settings.rq_url) == ("redis://localhost:6379/0", "redis://localhost:6379/0")
    assert settings.artifacts == "file:///var/lib/larder/artifacts"


def test_variables_are_parsed_into_the_types_of_their_fields() -> None:
    environ = {
        "LARDER_K": "5",
        "LARDER_NORMALIZE": "false",
        "LARDER_TIME_DECAY_DAYS": "0.5",
        "LARDER_SEPARATOR": "\\t",
        "LARDER_SIMILARITY": "inclusion index",
        "LARDER_QUEUE_URL": "unix:///run/queue.sock",
    }
    settings = Settings.from_environ(environ)
    assert (settings.k, settings.normalize, settings.time_decay_days) == (5, False, 0.5)
    assert (settings.separator, settings.similarity, settings.rq_url) == ("\t", "inclusion index", "unix:///run/queue.sock")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENGINE", "sparks"),
        ("SIMILARITY", "jacard"),
        ("TIME_DECAY_DAYS", "-1"),
        ("TIME_DECAY_DAYS", "a month"),
        ("NORMALIZE", "perhaps"),
        ("THRESHOLD", "0"),
        ("NEIGHBORS", "-1"),
        ("K", "0"),
        ("K", "1001"),
        ("K", "2.5"),
        ("K", ""),
        ("DEPTH", "3001"),
        ("INTERACTIONS", ""),
        ("SEPARATOR", '"'),
        ("SEPARATOR", "123456789"),
        ("ENCODING", "klingon"),
        ("EVENT_WEIGHTS", "view=inf"),
        ("EVENT_WEIGHTS", "view"),
        ("MAX_BROKEN_ROWS", "1.1"),
        ("SEPARATOR", "é"),
        ("USER_COLUMN", ""),
        ("NAMESPACE", "with space"),
        ("NAMESPACE", "x" * 65),
        ("ARTIFACTS", "ftp://bucket/folder"),
        ("ARTIFACTS", "file://relative"),
        ("MAX_MEMORY_GB", "0"),
        ("SHARD_TARGET_S", "601"),
        ("KEEP_GENERATIONS", "-1"),
        ("GRACE_S", "4"),
        ("JOB_TIMEOUT_S", "9"),
        ("PROCESSES", "0"),
        ("API_PORT", "65536"),
        ("POINTER_TTL_MS", "1001"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_value_is_refused_by_variable_and_value(name: str, value: str) -> None:
    message = refusal({PREFIX + name: value})
    assert message.startswith(f"{PREFIX}{name}={value!r}: ")
    assert "\n" not in message


def test_every_bad_variable_has_its_own_line() -> None:
    lines = refusal({"LARDER_K": "0", "LARDER_THRESHOLD": "none"}).splitlines()
    assert sorted(line.partition("=")[0] for line in lines) == ["LARDER_K", "LARDER_THRESHOLD"]


@pytest.mark.parametrize(
    ("typo", "nearest"),
    [("LARDER_NEIGHBOURS", "LARDER_NEIGHBORS"), ("LARDER_REDIS", "LARDER_REDIS_URL"), ("LARDER_KK", "LARDER_K")],
)
def test_an_unknown_variable_is_answered_with_the_nearest_known_one(typo: str, nearest: str) -> None:
    assert refusal({typo: "1"}) == f"{typo} is not a setting; the nearest is {nearest}"


def test_variables_of_tests_and_of_others_are_ignored() -> None:
    assert Settings.from_environ({"LARDER_TEST_ML100K": "/data", "K": "0", "PATH": "/bin"}) == Settings()


def test_options_override_the_environment_and_none_is_not_given() -> None:
    settings = Settings.from_environ({"LARDER_K": "5", "LARDER_NEIGHBORS": "50"}, k="7", neighbors=None)
    assert (settings.k, settings.neighbors) == (7, 50)


def test_an_option_mends_a_bad_variable() -> None:
    assert Settings.from_environ({"LARDER_K": "none"}, k=4).k == 4


def test_a_bad_option_is_named_as_an_option() -> None:
    assert refusal({"LARDER_TIME_DECAY_DAYS": "3"}, time_decay_days="-2").startswith("--time-decay-days='-2': ")


def test_an_unknown_option_is_an_error() -> None:
    assert "--colour" in refusal({}, colour="red")


def test_depth_must_hold_k() -> None:
    assert refusal({"LARDER_K": "20", "LARDER_DEPTH": "19"}) == "Depth is 19, less than k = 20; store at least k, better 3 k"
    assert Settings.from_environ({"LARDER_K": "20", "LARDER_DEPTH": "20"}).stored_depth == 20
    assert ModelSettings(k=7).stored_depth == 21


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", "redis://localhost:port/0", "redis://[half"])
@pytest.mark.parametrize("name", ["REDIS_URL", "QUEUE_URL"])
def test_addresses_that_are_not_of_redis_are_refused(name: str, url: str) -> None:
    message = refusal({PREFIX + name: url})
    assert message.startswith(f"{PREFIX}{name}=")
    assert "expected redis://host:port/db" in message


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@localhost",
        "redis://:hunter2@localhost:port/0",
        "redis://u:hunter2@[half",
        "http://localhost/?password=hunter2&x=1",
        "http://localhost/?password=a@hunter2",
        "redis://:hunter2/+x@host/0",
        "redis://:a#hunter2@host:port/0",
        "redis://:a://hunter2@host:port/0",
        "me:hunter2@host:6379",
        "redis:/:hunter2@host",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    assert "hunter2" not in refusal({"LARDER_REDIS_URL": url})
    assert "hunter2" not in refusal({}, redis_url=url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://me:hunter2@host:1/2", "redis://me:***@host:1/2"),
        ("redis://:p@ss@host/0", "redis://:***@host/0"),
        ("unix:///run/r.sock?db=1&password=hunter2", "unix:///run/r.sock?db=1&password=***"),
    ],
)
def test_hide_password_hides_nothing_else(url: str, shown: str) -> None:
    assert hide_password(url) == shown


def test_model_and_source_are_parts_of_the_settings() -> None:
    settings = Settings.from_environ({"LARDER_K": "3", "LARDER_INTERACTIONS": "events.csv"})
    assert settings.model_settings == ModelSettings(k=3)
    assert settings.source == SourceSettings(interactions="events.csv")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().k = 3  # type: ignore[misc]


def test_every_field_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []


def test_boosts_are_factors_by_category() -> None:
    assert ModelSettings().boost_of == {}
    assert ModelSettings(boosts=" Sci-Fi = 1.5 ,a=b=0.5,").boost_of == {"Sci-Fi": 1.5, "a=b": 0.5}
    assert ModelSettings(exclude_categories="A, b c ,").excluded_categories == {"A", "b c"}


@pytest.mark.parametrize("text", ["Horror", "=2", "Horror=", "Horror=0", "Horror=-1", "Horror=nan", "Horror=inf", "Horror=101", "A=1,A=1"])
def test_what_is_no_factor_is_refused(text: str) -> None:
    assert refusal({"LARDER_BOOSTS": text}).startswith(f"LARDER_BOOSTS={text!r}: ")


KUBERNETES = {
    "LARDER_SERVICE_HOST": "10.0.48.109",
    "LARDER_SERVICE_PORT": "5000",
    "LARDER_SERVICE_PORT_HTTP_API": "5000",
    "LARDER_PORT": "tcp://10.0.48.109:5000",
    "LARDER_PORT_5000_TCP": "tcp://10.0.48.109:5000",
    "LARDER_PORT_5000_TCP_PROTO": "tcp",
    "LARDER_API_SERVICE_HOST": "10.0.48.109",
    "LARDER_API_PORT": "tcp://10.0.48.109:5000",
    "LARDER_API_PORT_5000_TCP_ADDR": "10.0.48.109",
    "LARDER_REDIS_PORT": "udp://[fd00::1]:6379",
    "LARDER_TRAINER_PORT_53_UDP_PORT": "53",
}


@pytest.mark.parametrize("name", KUBERNETES)
def test_links_to_services_are_no_settings(name: str) -> None:
    assert Settings.from_environ({name: KUBERNETES[name], "LARDER_K": "7"}) == Settings(k=7)


def test_links_to_services_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    service_links.warn_of_links.cache_clear()
    for _ in range(3):
        Settings.from_environ(KUBERNETES)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "enableServiceLinks: false" in caplog.text


@pytest.mark.parametrize(("name", "value"), [("LARDER_API_PORT", "http://x"), ("LARDER_API_PORT", "x"), ("LARDER_API_PRT", "5000")])
def test_what_only_looks_like_a_link_is_still_wrong(name: str, value: str) -> None:
    with pytest.raises(SettingsError):
        Settings.from_environ({name: value})


@pytest.mark.parametrize("name", ["LARDER_COLOUR", "LARDER_IMAGE", "LARDER_ENVIRONMENT"])
def test_a_variable_of_ones_own_is_told_from_a_slip_of_the_pen(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not a setting, and none has a name like it: LARDER_ is for settings alone"):
        Settings.from_environ({name: "1"})


CLUSTER = "cluster://user:secret@a:7001,b:7002"


def test_lists_may_lie_in_a_cluster_while_queues_have_a_redis_of_their_own() -> None:
    for queue in ("redis://q/0", "sentinel://s1,s2/main/0"):
        settings = Settings.from_environ({"LARDER_REDIS_URL": CLUSTER, "LARDER_QUEUE_URL": queue})
        assert (settings.redis_url, settings.rq_url) == (CLUSTER, queue)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"LARDER_REDIS_URL": CLUSTER}, "LARDER_REDIS_URL is one, so the queues need a Redis of their own: set LARDER_QUEUE_URL"),
        ({"LARDER_QUEUE_URL": CLUSTER}, "LARDER_QUEUE_URL is one: set LARDER_QUEUE_URL to a single Redis or to Sentinels"),
        ({"LARDER_REDIS_URL": "cluster://a/1", "LARDER_QUEUE_URL": "redis://q"}, "or cluster://host:port,host:port"),
    ],
)
def test_a_cluster_is_refused_for_the_queues_and_with_a_database(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ(environ)
    assert says in str(error.value)
    assert "secret" not in str(error.value)
