import pytest

from tests.jobs.executors.payloads import errors, full, small


@pytest.mark.parametrize("operation", ["COPY", "MOVE", "COMPRESS"])
def test_what_goes_somewhere_needs_a_target(operation):
    assert errors(small("FILE_SYSTEM", operation=operation)) == {
        "target_path": f"Say where to {operation.lower()} it to."
    }
    assert errors(small("FILE_SYSTEM", operation=operation, targetPath="/srv/archive")) == {}


@pytest.mark.parametrize("operation", ["DELETE", "PROCESS", "READ", "LIST"])
def test_the_others_do_not(operation):
    assert errors(small("FILE_SYSTEM", operation=operation)) == {}


def test_writing_needs_content():
    assert errors(small("FILE_SYSTEM", operation="WRITE")) == {"file_content": "Say what to write."}
    assert errors(small("FILE_SYSTEM", operation="write", content="\n")) == {}


def test_the_target_is_another_path():
    assert errors(small("FILE_SYSTEM", operation="MOVE", targetPath="/srv/exports/")) == {
        "target_path": "The target is the path itself."
    }


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("exports/a.csv", "Write the whole path, starting with /."),
        ("~/a.csv", "Write the whole path, starting with /."),
        ("C:\\exports", "Write the whole path, starting with /."),
        ("/srv/../etc/passwd", "Write the path without .. in it."),
        ("/srv/..", "Write the path without .. in it."),
        ("/srv/a\x00b", "This holds a control character."),
        ("/srv/a\nb", "This holds a control character."),
        ("/srv/\u202egnp.exe", "This holds a control character."),
        ("/" + "x" * 2048, "Ensure this value has at most 2048 characters (it has 2049)."),
    ],
)
@pytest.mark.parametrize(("key", "field"), [("path", "file_path"), ("targetPath", "target_path")])
def test_a_path_holds_no_surprise(key, field, path, sentence):
    assert errors(full("FILE_SYSTEM", **{key: path})) == {field: sentence}


@pytest.mark.parametrize("path", ["/srv/a..b/...", "/srv/Zoë/ü.csv", "/srv/$(date +%Y%m%d).yml", "/"])
def test_ordinary_paths_pass(path):
    assert errors(small("FILE_SYSTEM", path=path)) == {}


def test_options_are_kept_among_the_parameters():
    parameters = {"pattern": "*.tmp", "olderThanDays": 7, "recursive": True, "syncMode": True}
    checked = small("FILE_SYSTEM", parameters={**parameters, "dryRun": False})
    assert checked.is_valid()
    assert checked.columns()["parameters"] == parameters
    assert "metadata" not in checked.columns()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recursive", "maybe"),
        ("olderThanDays", "a week"),
        ("olderThanDays", -1),
        ("dryRun", 1),
        ("compressionLevel", 10),
        ("excludePatterns", {"a": 1}),
        ("excludePatterns", [["*.tmp"]]),
        ("pattern", ["*.tmp"]),
    ],
)
def test_an_option_among_the_parameters_is_checked(name, value):
    assert errors(small("FILE_SYSTEM", parameters={name: value})).keys() == {name}


def test_an_unknown_operation_is_refused():
    assert (
        "'WATCH' is none of COPY, MOVE," in errors(small("FILE_SYSTEM", operation="WATCH"))["file_operation"]
    )
