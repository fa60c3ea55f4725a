"""The environment is read once, and refused in a sentence."""

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chronos_site import env


@pytest.fixture
def file(tmp_path, monkeypatch):
    """An `.env` of our own, and no keys around it."""
    monkeypatch.setattr(env, "FILE", tmp_path / ".env")
    for name in ("SECRET_KEY", "CHRONOS_SECRETS_KEYS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".env"


@pytest.mark.parametrize(
    ("said", "meant"),
    [("1", True), ("Yes", True), (" on ", True), ("0", False), ("FALSE", False), ("", False)],
)
def test_a_flag_is_a_word_for_yes_or_no(monkeypatch, said, meant):
    monkeypatch.setenv("CHRONOS_X", said)
    assert env.flag("CHRONOS_X", default=not meant) is meant


def test_a_flag_that_is_not_set_is_its_default(monkeypatch):
    monkeypatch.delenv("CHRONOS_X", raising=False)
    assert env.flag("CHRONOS_X", default=True)


@pytest.mark.parametrize(
    ("read", "said", "sentence"),
    [
        (lambda: env.flag("CHRONOS_X"), "maybe", "CHRONOS_X is 'maybe'; use 1 or 0."),
        (lambda: env.number("CHRONOS_X", 5, least=1), "0", "a whole number of at least 1."),
        (lambda: env.number("CHRONOS_X", 5, most=9), "10", "a whole number of 0 to 9."),
        (lambda: env.number("CHRONOS_X", 5), "-1", "CHRONOS_X is '-1'"),
        (lambda: env.number("CHRONOS_X", 5), "1.5", "CHRONOS_X is '1.5'"),
        (lambda: env.one_of("CHRONOS_X", "text", "json"), "xml", "use text or json."),
        (lambda: env.networks("CHRONOS_X"), "10.0.0.0/8,next door", "'next door'"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(monkeypatch, read, said, sentence):
    monkeypatch.setenv("CHRONOS_X", said)
    with pytest.raises(ImproperlyConfigured) as refused:
        read()
    assert sentence in str(refused.value)


def test_a_number_that_is_empty_is_its_default(monkeypatch):
    monkeypatch.setenv("CHRONOS_X", " ")
    assert env.number("CHRONOS_X", 7) == 7


def test_a_choice_is_found_in_any_case_and_the_first_is_the_default(monkeypatch):
    assert env.one_of("CHRONOS_X", "INFO", "DEBUG") == "INFO"
    monkeypatch.setenv("CHRONOS_X", "debug")
    assert env.one_of("CHRONOS_X", "INFO", "DEBUG") == "DEBUG"


@pytest.mark.parametrize(
    ("said", "meant"), [("x", env.BASE_DIR / "x"), ("/x/y", Path("/x/y")), ("~/x", Path.home() / "x")]
)
def test_a_folder_does_not_depend_on_where_one_stands(monkeypatch, tmp_path, said, meant):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHRONOS_X", said)
    assert env.folder("CHRONOS_X", "data") == meant


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "http://127.0.0.1:8000/"),
        ({"PORT": "5000"}, "http://127.0.0.1:5000/"),
        ({"PORT": "5000", "CHRONOS_PORT": "81"}, "http://127.0.0.1:81/"),
        ({"CHRONOS_HOST": "0.0.0.0"}, "http://127.0.0.1:8000/"),
        ({"CHRONOS_HOST": "::1"}, "http://[::1]:8000/"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(monkeypatch, settings, address):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert env.address() == address


def test_the_first_start_writes_a_key_that_nobody_else_reads(file):
    env.make_file()
    key = next(line for line in file.read_text().splitlines() if line.startswith("SECRET_KEY="))
    assert len(key) > 60
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_is_added_to_settings_that_are_there(file):
    file.write_text("DATABASE_URL=postgresql://db/chronos")
    file.chmod(0o644)
    env.make_file()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = file.read_text().splitlines()
    assert lines[0] == "DATABASE_URL=postgresql://db/chronos"
    assert [line.partition("=")[0] for line in lines[1:] if line] == ["SECRET_KEY", "CHRONOS_SECRETS_KEYS"]


def test_a_key_for_secrets_is_added_to_the_settings_of_an_older_version(file, monkeypatch):
    file.write_text("SECRET_KEY=given\n")
    monkeypatch.setenv("SECRET_KEY", "given")
    env.make_file()
    monkeypatch.setenv("KEYS", file.read_text().partition("CHRONOS_SECRETS_KEYS=")[2])
    assert len(env.keys("KEYS")) == 1
    assert file.read_text().count("SECRET_KEY=") == 1


@pytest.mark.parametrize("key", ["short", "x" * 44, "é" * 44])
def test_a_key_for_secrets_that_is_none_is_refused_and_not_shown(monkeypatch, key):
    monkeypatch.setenv("KEYS", key)
    with pytest.raises(ImproperlyConfigured, match="key 1 is no Fernet key") as refusal:
        env.keys("KEYS")
    assert key not in str(refusal.value)


@pytest.mark.parametrize("text", ['{"a": 1}', '["amqp://x"]', '{"a": "http://x"}', "a=b"])
def test_addresses_that_make_no_sense_are_refused(monkeypatch, text):
    monkeypatch.setenv("BROKERS", text)
    with pytest.raises(ImproperlyConfigured, match="BROKERS"):
        env.addresses("BROKERS", "amqp", "kafka")


def test_addresses_have_names(monkeypatch):
    monkeypatch.setenv("BROKERS", '{"orders": "amqp://rabbit/"}')
    assert env.addresses("BROKERS", "amqp", "kafka") == {"orders": "amqp://rabbit/"}


def test_folders_are_whole_and_several(monkeypatch):
    monkeypatch.setenv("ROOTS", "/srv/a: /srv/b :")
    assert env.folders("ROOTS", env.BASE_DIR) == [Path("/srv/a"), Path("/srv/b")]
    monkeypatch.setenv("ROOTS", " ")
    assert env.folders("ROOTS", env.BASE_DIR) == [env.BASE_DIR]


def test_files_must_be_there(monkeypatch, tmp_path):
    (tmp_path / "a.ttf").touch()
    monkeypatch.setenv("FONTS", f" {tmp_path}/a.ttf :")
    assert env.files("FONTS") == [tmp_path / "a.ttf"]
    monkeypatch.setenv("FONTS", f"{tmp_path}/b.ttf")
    with pytest.raises(ImproperlyConfigured, match="which is no file"):
        env.files("FONTS")


def test_a_key_in_the_environment_leaves_the_file_alone(file, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "given")
    env.make_file()
    assert not file.exists()


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("", "http://127.0.0.1:8000/"),
        ("https://chronos.example.com", "https://chronos.example.com/"),
        ("https://example.com/chronos/", "https://example.com/chronos/"),
    ],
)
def test_links_begin_where_people_open_chronos(monkeypatch, said, address):
    monkeypatch.setenv("CHRONOS_BASE_URL", said)
    assert env.base_url("CHRONOS_BASE_URL") == address


@pytest.mark.parametrize("said", ["chronos.example.com", "ftp://example.com", "https://a b"])
def test_what_is_no_address_of_the_web_is_refused(monkeypatch, said):
    monkeypatch.setenv("CHRONOS_BASE_URL", said)
    with pytest.raises(ImproperlyConfigured, match="use an address such as"):
        env.base_url("CHRONOS_BASE_URL")


@pytest.mark.parametrize("text", ["x", "[]", '"ADMIN"', '{"admins": 1}'])
def test_words_by_name_that_make_no_sense_are_refused(monkeypatch, text):
    monkeypatch.setenv("CHRONOS_OIDC_ROLES", text)
    with pytest.raises(ImproperlyConfigured, match="CHRONOS_OIDC_ROLES"):
        env.words_by_name("CHRONOS_OIDC_ROLES")


def test_words_have_names(monkeypatch):
    monkeypatch.setenv("CHRONOS_OIDC_ROLES", '{"chronos-admins": "ADMIN"}')
    assert env.words_by_name("CHRONOS_OIDC_ROLES") == {"chronos-admins": "ADMIN"}
