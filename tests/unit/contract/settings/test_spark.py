"""Settings of the engine spark."""

from __future__ import annotations

import pytest

from contract.errors import SettingsError
from contract.settings.settings import ModelSettings, Settings


def refusal(**environ: str) -> str:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environ({f"LARDER_{name.upper()}": value for name, value in environ.items()})
    return str(raised.value)


@pytest.mark.parametrize(
    "master", ["local", "local[2]", "local[*]", "local-cluster[2,1,1024]", "spark://host:7077", "yarn", "k8s://https://host:6443"]
)
def test_masters(master: str) -> None:
    assert Settings.from_environ({"LARDER_SPARK_MASTER": master}).spark.spark_master == master


def test_what_is_no_master() -> None:
    assert refusal(spark_master="host:7077").startswith("LARDER_SPARK_MASTER='host:7077': expected local[*]")
    assert refusal(spark_master="local[x]").startswith("LARDER_SPARK_MASTER='local[x]': expected local[*]")


def test_settings_of_sparks_own() -> None:
    settings = Settings.from_environ({"LARDER_SPARK_CONF": "spark.executor.memory=4g, spark.x-y.z=a=b"})
    assert settings.spark.spark_pairs == {"spark.executor.memory": "4g", "spark.x-y.z": "a=b"}
    assert "'executor.memory' is not spark.NAME=VALUE" in refusal(spark_conf="executor.memory=4g")
    assert "is not spark.NAME=VALUE" in refusal(spark_conf="spark.executor.memory")


@pytest.mark.parametrize(
    "given", ["spark.hadoop.fs.s3a.secret.key=hushhush,nope", "hadoop.secret=hushhush", "spark.a=b,hushhush.key=hushhush"]
)
def test_an_error_repeats_no_secret_of_them(given: str) -> None:
    said = refusal(spark_conf=given)
    assert said.startswith("LARDER_SPARK_CONF=***: ")
    assert "=hush" not in said


def test_an_error_repeats_no_password_of_an_address() -> None:
    assert "LARDER_SPARK_MASTER='sparc://u:***@h': expected" in refusal(spark_master="sparc://u:hushhush@h")


def test_a_folder_is_named_from_the_root_on() -> None:
    assert Settings.from_environ({"LARDER_SPARK_FOLDER": "/mnt/larder"}).spark.spark_folder == "/mnt/larder"
    assert "expected a folder from / on" in refusal(spark_folder="mnt/larder")


def test_models_of_the_engine() -> None:
    assert ModelSettings(engine="spark", new_items=1).new_items == 1
    for model in ("ease", "edlae", "itemknn", "rp3beta", "popularity"):
        assert ModelSettings(engine="spark", model=model).model == model
    assert ModelSettings(engine="spark", affinity="binary", normalize=False).affinity == "binary"
    for unfit in ({"model": "slit"}, {"model": "ease", "blend": "slit"}):
        assert "he engine spark counts users in common, and slit learns" in refusal(engine="spark", **unfit)
    assert "he model auto stands for an engine, too" in refusal(engine="spark", model="auto")
    assert "he engine spark sends one row of a user" in refusal(engine="spark", target="buy")
    assert "he engine recommenders has SAR alone" in refusal(engine="recommenders", model="ease")
