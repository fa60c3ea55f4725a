"""Files from anywhere: plain values or a sentence."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.transfer import documents
from jobs.transfer.limits import DEPTH_LIMIT, SIZE_LIMIT, Unreadable

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MERGED_LAUGHS = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(10))}}}\n" for n in range(1, 12)
)
# What PyYAML is known to stumble over, next to anything at all.
TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    "ab \n\t#:-'\"|>1e.\x00\x1b\x85\u2028\r\ufeff✅", max_size=12
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXT | st.sampled_from(["<<", "=", "1", "null", "yes"]), inner, max_size=4)
    ),
    max_leaves=10,
)


def refused(content, file_format=None):
    with pytest.raises(Unreadable) as refusal:
        documents.read(content.encode() if isinstance(content, str) else content, file_format)
    return str(refusal.value)


@pytest.mark.parametrize("file_format", ["json", "yaml"])
@settings(max_examples=150, deadline=None)
@given(value=VALUES)
def test_what_is_written_reads_back_to_the_same_in_the_same_order(file_format, value):
    found = documents.read(documents.write([value], file_format).encode(), file_format)
    assert json.dumps(found) == json.dumps([value])


def test_the_files_name_tells_the_format():
    names = ["a.json", "b.YAML", "c.yml", "d.txt", "-"]
    assert [documents.format_of(name) for name in names] == ["json", "yaml", "yaml", None, None]


def test_yaml_repeats_what_is_said_twice_for_people_read_no_anchors():
    same = ["5XX", "TIMEOUT"]
    assert documents.write({"a": same, "b": same}, "yaml") == "a:\n- 5XX\n- TIMEOUT\nb:\n- 5XX\n- TIMEOUT\n"


def test_text_of_several_lines_is_written_as_a_block():
    assert (
        documents.write({"script": "#!/bin/sh\necho done\n"}, "yaml")
        == "script: |\n  #!/bin/sh\n  echo done\n"
    )


@pytest.mark.parametrize("content", ['[{"a": 1}]', "- a: 1", "\ufeff- a: 1", "# jobs\n- {a: 1}\n"])
def test_without_a_name_the_content_tells_the_format(content):
    assert documents.read(content.encode()) == [{"a": 1}]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("0644", "0644"),
        ("12:30", "12:30"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        (".nan", ".nan"),
        ("2026-03-28T02:30:00Z", "2026-03-28T02:30:00Z"),
        ("2026-03-28", "2026-03-28"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("5", 5),
        ("-0.5e2", -50.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
    ],
)
def test_yaml_is_read_as_it_looks(written, meant):
    assert documents.read(f"a: {written}".encode()) == {"a": meant}


def test_aliases_and_merge_keys_are_written_out():
    text = (
        "base: &base {x: 1, y: 1}\nsame: *base\nmore: {<<: *base, y: 2}\nboth: {<<: [{x: 3}, *base], z: 3}\n"
    )
    assert documents.read(text.encode()) == {
        "base": {"x": 1, "y": 1},
        "same": {"x": 1, "y": 1},
        "more": {"x": 1, "y": 2},
        "both": {"x": 3, "y": 1, "z": 3},
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b" \n\t", "The file is empty."),
        (b"\x80\x03}q\x00", "The file is no text in UTF-8."),
        ("[1,".encode("utf-16"), "The file is no text in UTF-8."),
        ("[1, 2", "The file is no JSON: expecting ',' delimiter, line 1, column 6."),
        ("[NaN]", "The file is no JSON: NaN is no number that JSON knows."),
        ("[-Infinity]", "The file is no JSON: -Infinity is no number that JSON knows."),
        ('{"a": 1, "a": 2}', "The key 'a' stands twice in one object."),
        (f"[{'9' * 5000}]", "The file holds a number that is too large."),
        ("a: 1\na: 2", "The key 'a' stands twice in one object, line 2."),
        (f"a: {'9' * 5000}", "This number is too large, line 1."),
        ("a: [1", "The file is no YAML: expected ',' or ']', but got '<stream end>', line 1, column 6."),
        ("a: *nothing", "The file is no YAML: found undefined alias 'nothing', line 1, column 4."),
        ("--- 1\n--- 2", "The file is no YAML: but found another document, line 2, column 1."),
        ("a: \x00", "The file is no YAML: it holds characters that YAML does not allow."),
        ("? [a]\n: 1", "A key must be text, line 1."),
        ("a: &a [*a]", "The file's aliases stand for too many values, or for themselves."),
        ("a: &a {<<: *a}", "The file's aliases stand for too many values, or for themselves."),
        ("a: {<<: 5}", "Only objects can be merged with <<, line 1."),
        (LAUGHS, "The file's aliases stand for too many values, or for themselves."),
        (MERGED_LAUGHS, "The file's aliases stand for too many values, or for themselves."),
    ],
)
def test_what_holds_no_plain_values_is_refused_in_a_sentence(content, sentence):
    assert refused(content) == sentence


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch /tmp/owned']",
        "!!python/name:os.system",
        "!!binary aGk=",
        "!!timestamp 2026-01-01",
        "!!set {a}",
        "!mine {a: 1}",
        "!!int 5",
        "!!map 5",
    ],
)
def test_tags_make_no_objects(tag):
    assert f"The tag '{tag.split()[0]}' is not allowed, line 2." == refused(f"a:\n- {tag}")


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * (DEPTH_LIMIT + 1) + "]" * (DEPTH_LIMIT + 1),
        "- " * 5_000 + "a",
        "? " * 5_000 + "a",
        "a: " + "{a: " * 100 + "}" * 100,
    ],
)
@pytest.mark.parametrize("file_format", ["json", "yaml"])
def test_deep_nesting_is_refused_at_once(content, file_format):
    started = time.process_time()
    sentence = refused(content, file_format)
    assert time.process_time() - started < 2
    assert sentence == f"The file is nested deeper than {DEPTH_LIMIT} levels." or "no JSON" in sentence


def test_the_limits_leave_room_for_what_is_within_them():
    nested = "[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT
    assert documents.read(nested.encode(), "json") == documents.read(nested.encode(), "yaml")


def test_a_file_above_the_limit_is_not_even_looked_at():
    assert refused(b"\x80" * (SIZE_LIMIT + 1)) == "The file is larger than 5,000,000 bytes: split it."
