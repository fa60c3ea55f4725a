import pytest

from tests.jobs.executors.payloads import errors, full, small


def test_a_message_needs_somebody_and_a_subject():
    assert errors(small("EMAIL", to=[], subject=None)) == {
        "to": "This field is required.",
        "subject": "This field is required.",
    }


@pytest.mark.parametrize("to", ["a@example.com, b@example.com", "a@example.com;b@example.com\r\n"])
def test_addresses_may_be_typed_in_a_row(to):
    checked = small("EMAIL", to=to)
    assert checked.is_valid()
    assert checked.columns()["metadata"]["to"] == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize("address", ["zoë@example.com", "ops@bücher.example", "иван@example.com"])
def test_other_letters_may_stand_in_an_address(address):
    assert errors(small("EMAIL", to=[address])) == {}


@pytest.mark.parametrize("key", ["to", "cc", "bcc"])
@pytest.mark.parametrize(
    "address",
    [
        "ops",
        "ops@",
        "zoë",
        "ops\u200b@example.com",
        "a@b@example.com",
        "a b@example.com",
        "Ops <ops@example.com>",
        "x" * 80 + "@a.b",
    ],
)
def test_what_is_no_address_is_refused(key, address):
    assert errors(full("EMAIL", **{key: ["ok@example.com", address]})) == {
        key: f"{address[:60]} is no e-mail address: write it like ops@example.com."
    }


@pytest.mark.parametrize("subject", ["Hello\nBcc: all@example.com", "Hello\r\n", "\x1b[31mHello"])
def test_a_subject_is_one_line(subject):
    found = errors(full("EMAIL", subject=subject + "x"))
    assert found == {"subject": "This holds a control character."}


@pytest.mark.parametrize("path", ["orders.csv", "/srv/../etc/passwd"])
def test_attachments_are_whole_paths(path):
    assert errors(full("EMAIL", attachments=[path])).keys() == {"attachments"}


def test_a_mailing_has_an_end():
    many = [f"person{number}@example.com" for number in range(501)]
    assert errors(full("EMAIL", to=many)) == {"to": "These are more than 500 addresses."}
