import pytest

from jobs import masking
from jobs.executors.file_system import FileSystemForm
from jobs.executors.files.options import CONCERNS, OTHERS, bytes_of
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
    parameters = {"pattern": "*.tmp", "olderThanDays": 7, "recursive": True, "filePatterns": ["a*"]}
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
        ("maxFileSize", "large"),
        ("maxFileSize", -5),
        ("minFileAge", -1),
    ],
)
def test_an_option_among_the_parameters_is_checked(name, value):
    assert errors(small("FILE_SYSTEM", parameters={name: value})).keys() == {name}


def test_an_unknown_operation_is_refused():
    assert (
        "'WATCH' is none of COPY, MOVE," in errors(small("FILE_SYSTEM", operation="WATCH"))["file_operation"]
    )


def processing(kind=None, **parameters):
    said = {"processingType": kind, **parameters} if kind else parameters
    return errors(small("FILE_SYSTEM", operation="PROCESS", targetPath="/srv/done", parameters=said))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("followSymlinks", True, "followSymlinks: Links are never followed."),
        ("virusScan", True, "virusScan: Chronos looks for no viruses: let a SCRIPT job call your scanner."),
        ("encoding", "klingon", "encoding: 'klingon' is no encoding: write it like utf-8."),
        ("encoding", "base64", "encoding: 'base64' is no encoding: write it like utf-8."),
        ("encoding", "punycode", "encoding: 'punycode' is no encoding: write it like utf-8."),
        ("delimiter", ";;", "delimiter: Give one character, or tab."),
        ("renameColumns", {"a": 1}, 'renameColumns: Write an object of texts, such as {"name": "value"}.'),
        ("hasHeader", "maybe", "hasHeader: Say true or false."),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(name, value, sentence):
    found = processing("csv_transform" if name != "virusScan" else None, **{name: value})
    assert sentence in found["parameters"]


@pytest.mark.parametrize(
    ("kind", "name", "value", "sentence"),
    [
        ("encryption", "algorithm", "DES", "algorithm: 'DES' is none of aes-256-gcm."),
        ("encryption", "keySource", "vault", "keySource: 'vault' is none of environment, secret."),
        ("integrity_check", "checksumAlgorithm", "crc32", "is none of sha256, sha512, sha1, md5."),
        ("integrity_check", "manifest", "../sums", "manifest: Write the whole path, starting with /."),
        ("file_split", "linesPerFile", 0, "linesPerFile: Give a whole number from 1 to 1,000,000,000."),
        ("file_split", "maxPartSize", "0", "maxPartSize: Write a size such as 500KB, 100MB or 2GB."),
    ],
)
def test_what_an_option_cannot_say_is_refused(kind, name, value, sentence):
    assert sentence in processing(kind, **{name: value})["parameters"]


def test_an_option_that_nobody_knows_is_refused_by_its_name():
    found = errors(small("FILE_SYSTEM", parameters={"dryrun": True}))
    assert found == {"parameters": "There is no option 'dryrun'."}


def test_an_option_beside_the_parameters_is_no_note():
    assert errors(small("FILE_SYSTEM", followSymlinks=True)) == {
        "metadata": "followSymlinks is an option: write it inside parameters."
    }


@pytest.mark.parametrize(
    ("operation", "name", "value"),
    [
        ("DELETE", "syncMode", True),
        ("COPY", "compressionLevel", 6),
        ("COPY", "key", "{{ secret:x }}"),
        ("MOVE", "syncMode", True),
        ("LIST", "backupExisting", True),
        ("READ", "pattern", "*.csv"),
        ("WRITE", "olderThanDays", 0),
    ],
)
def test_an_option_that_means_nothing_to_the_operation_is_refused(operation, name, value):
    checked = small(
        "FILE_SYSTEM", operation=operation, targetPath="/srv/to", content="x", parameters={name: value}
    )
    assert f"{name} means nothing to {operation}, but to " in errors(checked)[name]


def test_an_option_that_means_nothing_to_the_processing_is_refused():
    sentence = "columns means nothing here, but to the processing csv_transform."
    assert processing("encryption", key="{{ secret:archive }}", columns=["a"]) == {"parameters": sentence}
    assert processing("csv_transform", columns=["a"]) == {}


def test_pictures_are_not_resized():
    assert processing("image_resize") == {
        "processingType": "Chronos changes no pictures: let a SCRIPT job do it."
    }
    assert "'shred' is none of csv_transform, " in processing("shred")["processingType"]


def test_a_conversion_says_to_what():
    assert "outputFormat" in processing("format_conversion")["processingType"]
    assert processing("format_conversion", outputFormat="json") == {}


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"syncMode": False}, "This goes with “Only what has changed” alone."),
        ({"preservePath": False}, "This needs the folders to be kept: files are told by their paths."),
        ({"target": "/srv"}, "Path and target lie within each other: this would delete the source."),
        (
            {"target": "/srv/exports/in"},
            "Path and target lie within each other: this would delete the source.",
        ),
    ],
)
def test_what_is_extra_is_deleted_only_where_that_is_safe(over, sentence):
    target = over.pop("target", "/srv/archive")
    parameters = {"syncMode": True, "deleteExtra": True, **over}
    checked = small("FILE_SYSTEM", operation="COPY", targetPath=target, parameters=parameters)
    assert errors(checked) == {"deleteExtra": sentence}


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("1", 1),
        (2048, 2048),
        ("500KB", 512_000),
        ("1.5 mb", 1_572_864),
        ("2GiB", 2 * 1024**3),
        ("1T", 1024**4),
    ],
)
def test_a_size_is_read_and_kept_as_it_was_written(written, size):
    checked = small("FILE_SYSTEM", maxFileSize=written)
    assert checked.is_valid()
    assert checked.columns()["parameters"]["maxFileSize"] == str(written)
    assert bytes_of(str(written)) == size


@pytest.mark.parametrize("target", ["/srv/exports//", "//srv/./exports"])
def test_another_way_to_write_the_path_is_the_same_path(target):
    assert errors(small("FILE_SYSTEM", operation="MOVE", targetPath=target)) == {
        "target_path": "The target is the path itself."
    }


def test_paths_and_keys_may_hold_placeholders():
    checked = small(
        "FILE_SYSTEM",
        operation="PROCESS",
        path="/srv/{{ param:region=north }}/orders",
        targetPath="/srv/sealed/{{ fire.date - 1d }}/",
        parameters={"processingType": "encryption", "key": "{{ secret:archive }}"},
    )
    assert errors(checked) == {}
    assert checked.columns()["parameters"]["key"] == "{{ secret:archive }}"


@pytest.mark.parametrize("kind", ["encryption", "decryption"])
def test_what_needs_a_key_is_not_saved_without_one(kind):
    assert processing(kind)["key"].startswith("Give the key, best as a secret")
    assert processing(kind, key="{{ secret:archive }}") == {}


def test_every_option_says_what_it_is_for():
    assert {*CONCERNS} == {*OTHERS, *FileSystemForm.options}


def test_a_key_is_hidden():
    assert masking.payload({"parameters": {"key": "correct horse"}})["parameters"]["key"] != "correct horse"
