"""What a server answered, in whatever letters it says."""

import time

import pytest

from jobs.executors.calling.answers import BODY_LIMIT, Body


def test_a_body_is_read_in_the_letters_that_the_server_names():
    assert Body("Zürich".encode("latin-1"), cut=False, encoding="ISO-8859-1").text == "Zürich"


@pytest.mark.parametrize("name", [None, "", "klingon", "base64", "idna", "undefined", "\0", "utf-8\r\nx"])
def test_a_name_that_is_none_of_letters_is_passed_over(name):
    assert Body(b"plain \xff", cut=False, encoding=name).text == "plain �"


def test_no_server_chooses_letters_that_take_minutes_to_read():
    began = time.process_time()
    assert Body(b"a-" + b"z" * (BODY_LIMIT - 2), cut=False, encoding="punycode").text.endswith("zzz")
    assert time.process_time() - began < 5
