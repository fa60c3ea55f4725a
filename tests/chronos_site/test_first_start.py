"""What the first start makes, and what later ones leave alone."""

import os
import re
import subprocess
import sys

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from accounts.models import User
from chronos_site import first_start
from tests import factories


@pytest.mark.django_db
def test_the_first_administrator_can_sign_in_with_the_password_told():
    email, password = first_start.make_first_administrator()
    user = authenticate(RequestFactory().post("/sign-in/"), username=email, password=password)
    assert user.is_administrator


@pytest.mark.django_db
def test_where_there_is_somebody_nobody_is_added():
    factories.charlie()
    assert first_start.make_first_administrator() is None
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_the_first_administrator_has_the_address_asked_for(monkeypatch):
    monkeypatch.setenv("CHRONOS_ADMIN_EMAIL", "ops@example.org")
    assert first_start.make_first_administrator()[0] == "ops@example.org"


@pytest.mark.django_db
def test_an_address_that_is_none_makes_nobody(monkeypatch):
    monkeypatch.setenv("CHRONOS_ADMIN_EMAIL", "ops")
    with pytest.raises(ValidationError):
        first_start.make_first_administrator()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_the_password_is_told_once(capsys, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    call_command("first_start")
    told = capsys.readouterr().out
    assert re.search(r"password +([a-z2-9]{5}-){3}[a-z2-9]{5} ", told)
    call_command("first_start")
    assert capsys.readouterr().out == ""


@pytest.mark.django_db
def test_a_mail_server_that_is_named_later_is_told_of_at_the_next_start(capsys, settings, tmp_path):
    settings.STATIC_ROOT, settings.EMAIL_HOST = tmp_path, ""
    call_command("first_start")
    settings.EMAIL_HOST = "mail.example.com"
    capsys.readouterr()
    call_command("first_start")
    assert capsys.readouterr().out.startswith("admin@example.com is told by mail of what goes wrong")


@pytest.mark.django_db
def test_unsafe_settings_are_refused_before_anything_is_made(settings):
    settings.ALLOWED_HOSTS = ["*"]
    with pytest.raises(Exception, match="CHRONOS_ALLOWED_HOSTS"):
        call_command("first_start")
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_redis_that_is_away_is_said(monkeypatch, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)
    with pytest.raises(CommandError, match="REDIS_URL names does not answer"):
        call_command("first_start")


def test_static_files_are_collected_when_one_has_changed(settings, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "one.css").write_text("a { color: red }")
    settings.STATIC_ROOT, settings.STATICFILES_DIRS = tmp_path / "collected", [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    assert first_start.collect_static_files()
    assert not first_start.collect_static_files()
    (source / "one.css").write_text("a { color: darkblue }")
    assert first_start.collect_static_files()
    assert "darkblue" in (settings.STATIC_ROOT / "one.css").read_text()


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/x", "The database cannot be used:"),
        ("DATABASE_URL", "mysql://u:hunter2@127.0.0.1:1/x", "The database cannot be used: Can't connect"),
        ("DATABASE_URL", "sqlite:////nowhere/x.db", "The database cannot be used: unable to open"),
        ("DATABASE_URL", "chronos.db", "use sqlite:///"),
        ("CHRONOS_DEBUG", "perhaps", "CHRONOS_DEBUG is 'perhaps'"),
        ("SECRET_KEY", "", "SECRET_KEY"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(setting, value, sentence):
    refused = subprocess.run(
        [sys.executable, "manage.py", "first_start"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "chronos_site.settings", setting: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert "hunter2" not in refused.stderr


def test_a_python_without_the_packages_is_sent_to_the_one_that_has_them():
    # -S: without what is installed.
    refused = subprocess.run([sys.executable, "-S", "manage.py"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert ".venv/bin/python manage.py" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
