"""PROCESS: what is made of files."""

import base64
import csv
import hashlib
import json
import os
import subprocess
import tracemalloc

import pytest

from jobs.executors.file_system import FileSystemForm
from jobs.executors.files import processing, sealing
from tests.jobs.executors.files.places import HOUR, names

KEY = base64.b64encode(bytes(range(32))).decode()
ORDERS = "id,region,total\n1,north,2.5\n2,south,7\n3,north,\n"


def text(place, name):
    return (place.root / name).read_text()


# Tables


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({}, ORDERS),
        ({"columns": ["total", "id"]}, "total,id\n2.5,1\n7,2\n,3\n"),
        ({"excludeColumns": "region, total"}, "id\n1\n2\n3\n"),
        ({"renameColumns": {"id": "Order"}, "columns": "id"}, "Order\n1\n2\n3\n"),
        ({"filterRows": {"region": "north"}, "columns": "id"}, "id\n1\n3\n"),
        ({"outputDelimiter": "tab", "columns": "id,total"}, "id\ttotal\n1\t2.5\n2\t7\n3\t\n"),
        ({"hasHeader": False, "columns": "1"}, "id\n1\n2\n3\n"),
        ({"hasHeader": False, "filterRows": {"2": "south"}}, "2,south,7\n"),
    ],
)
def test_a_csv_is_transformed(place, options, made):
    place.put("a.csv", ORDERS)
    place.run("PROCESS", "a.csv", "b.csv", processingType="csv_transform", **options)
    assert text(place, "b.csv") == made


def test_another_delimiter_and_encoding_are_read(place):
    place.put("a.csv", 'id;name\r\n1;"Zoë; Müller\nx"\r\n'.encode("latin-1"))
    options = {"delimiter": ";", "outputDelimiter": ",", "encoding": "latin-1"}
    place.run("PROCESS", "a.csv", "b.csv", processingType="csv_transform", **options)
    assert text(place, "b.csv") == 'id,name\n1,"Zoë; Müller\nx"\n'


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ("id\n1,2\n", {}, "has 2 fields in line 2, where 1 were expected"),
        ('id\n"1\n', {}, "is no CSV in line 2"),
        (b"id\n\xff\n", {}, "is not text in utf-8"),
        ("id\n1\n", {"columns": "total"}, "has no column 'total', but id"),
        ("id\n" + "x" * 1_000_001, {}, "has a line of more than 1,000,000 characters"),
        ("a\0,b\n1,2\n", {"columns": "a"}, ""),
    ],
)
def test_what_is_no_such_table_is_a_failure_that_says_why(place, content, options, sentence):
    place.put("a.csv", content)
    failure = place.refusal("PROCESS", "a.csv", "b.csv", processingType="csv_transform", **options)
    assert failure.error_class == "FORMAT_ERROR"
    assert sentence in failure.message
    assert [*place.tree()] == ["a.csv"]


def test_without_a_target_the_file_itself_is_transformed_where_it_may_be_overwritten(place):
    place.put("a.csv", ORDERS)
    options = {"processingType": "csv_transform", "columns": "id"}
    assert place.refusal("PROCESS", "a.csv", **options).error_class == "FILE_EXISTS"
    result = place.run("PROCESS", "a.csv", overwrite=True, deleteOriginal=True, **options)
    assert (result.data["counts"], "passed_over" in result.data) == ({"transform": 1}, False)
    assert text(place, "a.csv") == "id\n1\n2\n3\n"


RECORDS = [{"id": "1", "name": "Zoë"}, {"id": "2", "name": 'a "b",\nc'}]


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_csv_becomes_json_and_comes_back_the_same(place, kind):
    before = 'id,name\n1,Zoë\n2,"a ""b"",\nc"\n'
    place.put("from/a.csv", before)
    place.run("PROCESS", "from", "to", processingType="format_conversion", outputFormat=kind)
    made = text(place, f"to/a.{kind}")
    assert (
        json.loads(made) if kind == "json" else [json.loads(line) for line in made.splitlines()]
    ) == RECORDS
    place.run("PROCESS", "to", "back", processingType="format_conversion", outputFormat="csv")
    assert text(place, "back/a.csv") == before


def test_the_columns_of_json_are_all_keys_and_what_is_no_text_is_json(place):
    place.put("a.json", json.dumps([{"a": 1}, {"b": [1, "ü"], "a": None}, {"c": True}, {}]))
    place.run("PROCESS", "a.json", "a.csv", processingType="format_conversion", outputFormat="csv")
    with (place.root / "a.csv").open() as file:
        assert [*csv.reader(file)] == [
            ["a", "b", "c"],
            ["1", "", ""],
            ["", '[1, "ü"]', ""],
            ["", "", "true"],
            ["", "", ""],
        ]


@pytest.mark.parametrize("written", ["[]", " [ ] \n"])
def test_an_empty_list_is_empty(place, written):
    place.put("a.json", written)
    for kind in ("csv", "jsonl"):
        place.run("PROCESS", "a.json", f"a.{kind}", processingType="format_conversion", outputFormat=kind)
    place.run("PROCESS", "a.jsonl", "b.json", processingType="format_conversion", outputFormat="json")
    assert json.loads(text(place, "b.json")) == []


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{}",
        "[1]",
        "[{]",
        "[{},]",
        "[{}",
        "[{}] x",
        "[{} {}]",
        '[{"a":',
        "[" * 9000,
        '[{"a":' * 9000,
        "[[]]",
    ],
)
def test_what_is_no_list_of_objects_is_a_failure(place, written):
    place.put("a.json", written)
    failure = place.refusal(
        "PROCESS", "a.json", "b.csv", processingType="format_conversion", outputFormat="csv"
    )
    assert failure.error_class == "FORMAT_ERROR"


def test_a_long_list_of_objects_takes_little_memory(place):
    with (place.root / "a.json").open("w") as file:
        file.write("[")
        file.writelines(f'{{"number": {number}, "text": "{"x" * 500}"}},\n' for number in range(20_000))
        file.write('{"number": -1}]')
    tracemalloc.start()
    place.run("PROCESS", "a.json", "b.csv", processingType="format_conversion", outputFormat="csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6_000_000
    assert text(place, "b.csv").count("\n") == 20_002


def test_text_is_cleaned(place):
    place.put("a.txt", " a \r\n\r\na\nb\t\r\n\n b")
    place.run("PROCESS", "a.txt", "b.txt", processingType="data_cleanup")
    place.run("PROCESS", "a.txt", "c.txt", processingType="data_cleanup", removeDuplicates=True)
    place.run(
        "PROCESS",
        "a.txt",
        "d.txt",
        processingType="data_cleanup",
        trimWhitespace=False,
        removeEmptyLines=False,
    )
    assert [text(place, name) for name in ("b.txt", "c.txt", "d.txt")] == [
        "a\na\nb\nb\n",
        "a\nb\n",
        " a \n\na\nb\t\n\n b\n",
    ]


# Pieces


def test_a_csv_is_split_between_its_records_each_piece_with_the_header(place):
    place.put("a.csv", 'id,text\n1,"x\ny"\n2,b\n3,c\n')
    place.run("PROCESS", "a.csv", "to", processingType="file_split", linesPerFile=2)
    assert place.tree("to") == {"a-0001.csv": b'id,text\n1,"x\ny"\n2,b\n', "a-0002.csv": b"id,text\n3,c\n"}


def test_a_file_is_split_by_size_and_merged_again(place):
    content = os.urandom(300_000)
    place.put("a.bin", content)
    place.run("PROCESS", "a.bin", "to", processingType="file_split", maxPartSize="100KB")
    assert [len(piece) for piece in place.tree("to").values()] == [102_400, 102_400, 95_200]
    failure = place.refusal("PROCESS", "a.bin", "to", processingType="file_split")
    assert failure.error_class == "VALIDATION_ERROR"
    place.run("PROCESS", "to", "b.bin", processingType="file_merge")
    assert (place.root / "b.bin").read_bytes() == content


def test_lines_stay_whole_where_text_is_split_by_size(place):
    place.put("a.log", "12345\n" * 10)
    place.run("PROCESS", "a.log", "to", processingType="file_split", maxPartSize=20)
    assert [*place.tree("to").values()] == [b"12345\n" * 3] * 3 + [b"12345\n"]


def test_an_empty_file_is_one_piece(place):
    place.put("a.txt")
    place.run("PROCESS", "a.txt", "to", processingType="file_split")
    assert place.tree("to") == {"a-0001.txt": b""}


def test_tables_are_merged_under_one_header(place):
    place.put("from/a.csv", "id\n1")
    place.put("from/b.csv", b"\xef\xbb\xbfid\r\n2\n")
    place.put("from/c.csv")
    place.run("PROCESS", "from", "all.csv", processingType="file_merge")
    assert text(place, "all.csv") == "id\n1\n2\n"
    place.put("from/d.csv", "name\nx\n")
    failure = place.refusal("PROCESS", "from", "all.csv", processingType="file_merge", overwrite=True)
    assert (failure.error_class, text(place, "all.csv")) == ("FORMAT_ERROR", "id\n1\n2\n")
    assert "d.csv has other columns" in failure.message


# Manifests


def test_sha256sum_agrees_with_a_manifest(place):
    place.put("from/in/ü", "1")
    place.put("from/b\n\\", "2")
    place.run("PROCESS", "from", "from/sums", processingType="integrity_check", recursive=True)
    checked = subprocess.run(
        ["sha256sum", "--check", "sums"], cwd=place.root / "from", check=False, capture_output=True
    )
    assert (checked.returncode, checked.stdout.count(b"OK")) == (0, 2)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_a_manifest_is_checked(place, algorithm):
    place.put("from/a", "1")
    place.put("from/in/b", "2")
    check = {"processingType": "integrity_check", "recursive": True}
    place.run("PROCESS", "from", "sums", checksumAlgorithm=algorithm, **check)
    assert (
        place.run("PROCESS", "from", manifest=place.path("sums"), **check).summary
        == "2 files verified, 2 bytes"
    )
    place.put("from/a", "x")
    (place.root / "from/in/b").unlink()
    failure = place.refusal("PROCESS", "from", manifest=place.path("sums"), **check)
    assert failure.error_class == "CHECKSUM_ERROR"
    assert failure.result["passed_over"] == {"not as the manifest says": 1, "missing": 1}


def test_a_manifest_names_no_file_elsewhere(place):
    place.put("sums", f"{hashlib.sha256(b'').hexdigest()}  ../../etc/passwd\n")
    place.put("from/a")
    failure = place.refusal("PROCESS", "from", processingType="integrity_check", manifest=place.path("sums"))
    assert failure.error_class == "FORBIDDEN_PATH"


def test_what_is_no_manifest_says_so(place):
    place.put("sums", "hello\n")
    failure = place.refusal("PROCESS", "", processingType="integrity_check", manifest=place.path("sums"))
    assert failure.error_class == "FORMAT_ERROR"


# Encryption


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 800_000])
@pytest.mark.parametrize("key", [KEY, "correct horse battery"])
def test_what_is_encrypted_can_be_decrypted(place, size, key):
    content = os.urandom(size)
    place.put("from/a.pdf", content, mode=0o640)
    place.run("PROCESS", "from", "sealed", processingType="encryption", key=key, verifyEncryption=True)
    assert content[:50] not in (place.root / "sealed/a.pdf.enc").read_bytes() or size < 2
    place.run("PROCESS", "sealed", "back", processingType="decryption", key=key)
    assert place.tree("back") == {"a.pdf": content}


@pytest.mark.parametrize(
    ("key", "other"), [(KEY, "correct horse"), ("correct horse", KEY), ("horse one", "horse two")]
)
def test_another_key_opens_nothing(place, key, other):
    place.put("a", "secret")
    place.run("PROCESS", "a", processingType="encryption", key=key)
    failure = place.refusal("PROCESS", "a.enc", "b", processingType="decryption", key=other)
    assert (failure.error_class, [*place.tree()]) == ("KEY_ERROR", ["a", "a.enc"])


@pytest.mark.parametrize(
    "tamper",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[: -(100_000 + 16)],
        lambda sealed: sealed[: 57 + 2 * (262_144 + 16)],
        lambda sealed: sealed + b"x",
        lambda sealed: sealed[:57] + sealed[57 + 262_160 :],
        lambda sealed: sealed[:300_000] + bytes([sealed[300_000] ^ 1]) + sealed[300_001:],
        lambda sealed: (
            sealed[:57]
            + sealed[57 + 262_160 : 57 + 2 * 262_160]
            + sealed[57 : 57 + 262_160]
            + sealed[57 + 2 * 262_160 :]
        ),
        lambda sealed: b"",
        lambda sealed: sealed[:57],
        lambda sealed: b"PK" + sealed[2:],
    ],
    ids=[
        "cut",
        "last chunk gone",
        "cut between chunks",
        "longer",
        "first chunk gone",
        "one bit",
        "swapped",
        "empty",
        "header alone",
        "another kind",
    ],
)
def test_a_sealed_file_that_was_changed_opens_to_nothing(place, tamper):
    place.put("a", b"x" * (2 * 262_144 + 100_000))
    place.run("PROCESS", "a", processingType="encryption", key=KEY)
    place.put("a.enc", tamper((place.root / "a.enc").read_bytes()))
    failure = place.refusal("PROCESS", "a.enc", "b", processingType="decryption", key=KEY)
    assert (failure.error_class, [*place.tree()]) == ("ENCRYPTION_ERROR", ["a", "a.enc"])


def test_one_key_seals_one_file_twice_in_different_ways(place):
    place.put("a", "secret")
    for name in ("b", "c"):
        place.run("PROCESS", "a", name, processingType="encryption", key=KEY)
    assert (place.root / "b").read_bytes()[57:] != (place.root / "c").read_bytes()[57:]


def test_what_a_sealed_file_looks_like_does_not_change(place):
    """Made by another program, after the description in the module."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    def expand(info, length):
        return HKDF(algorithm=SHA256(), length=length, salt=b"f" * 16, info=info).derive(bytes(range(32)))

    header = b"CHRONOS1" + b"\0" + b"s" * 16 + b"f" * 16 + expand(b"chronos check", 16)
    place.put(
        "a.enc", header + AESGCM(expand(b"chronos file", 32)).encrypt(bytes(11) + b"\1", b"hello", header)
    )
    place.run("PROCESS", "a.enc", processingType="decryption", key=KEY)
    assert text(place, "a") == "hello"


def test_originals_go_only_when_asked_and_sealed_files_are_not_sealed_again(place):
    place.put("a", "1")
    for _ in range(2):
        place.run("PROCESS", "", processingType="encryption", key=KEY, overwrite=True)
    assert [*place.tree()] == ["a", "a.enc"]
    place.run("PROCESS", "", processingType="encryption", key=KEY, overwrite=True, deleteOriginal=True)
    assert [*place.tree()] == ["a.enc"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"keySource": "environment", "keyVariable": "ENCRYPTION_KEY"}, "{{ secret:ENCRYPTION_KEY }}"),
        ({"key": "short"}, "at least 8 characters"),
    ],
)
@pytest.mark.parametrize("dry", [True, False])
def test_without_a_key_nothing_is_encrypted(place, options, sentence, dry):
    place.put("a", "1")
    failure = place.refusal("PROCESS", "a", "b", processingType="encryption", dryRun=dry, **options)
    assert failure.error_class == "KEY_ERROR"
    assert sentence in failure.message
    assert not (place.root / "b").exists()


def test_a_key_is_made_of_a_passphrase_once_a_run(place, monkeypatch):
    made = []
    derive = sealing._derive
    monkeypatch.setattr(sealing, "_derive", lambda *args: made.append(1) or derive(*args))
    for name in "abc":
        place.put(f"from/{name}")
    place.run("PROCESS", "from", "to", processingType="encryption", key="correct horse")
    assert len(made) == 1


# Watched folders

WATCH = {"monitorMode": True, "processNewFiles": True, "pattern": "*.*"}


def test_only_new_and_changed_files_are_taken_to_the_target(place):
    place.put("in/a.txt", "1")
    assert names(place.run("PROCESS", "in", "out", **WATCH)) == ["a.txt"]
    (place.root / "out/a.txt").unlink()
    place.put("in/b.txt", "2")
    result = place.run("PROCESS", "in", "out", notifyOnProcess=True, **WATCH)
    assert (names(result), result.data["left"]) == (["b.txt"], {"processed before": 1})
    assert result.summary.endswith(place.path("in/b.txt"))
    place.put("in/a.txt", "longer")
    assert names(place.run("PROCESS", "in", "out", **WATCH)) == ["a.txt"]


def test_what_a_failed_run_has_processed_is_not_processed_again(place):
    place.put("in/a.csv", "id\n1\n")
    place.put("in/b.csv", "id\n1,2\n")
    options = {"processingType": "csv_transform", **WATCH}
    assert place.refusal("PROCESS", "in", "out", **options).error_class == "FORMAT_ERROR"
    place.put("in/b.csv", "id\n2\n")
    assert names(place.run("PROCESS", "in", "out", **options)) == ["b.csv"]


def test_a_dry_run_remembers_nothing(place):
    place.put("in/a.txt")
    place.run("PROCESS", "in", "out", dryRun=True, **WATCH)
    assert place.remembered == {}


def test_files_that_are_gone_are_forgotten(place):
    for name in "ab":
        place.put(f"in/{name}.txt")
    place.run("PROCESS", "in", "out", **WATCH)
    (place.root / "in/a.txt").unlink()
    place.run("PROCESS", "in", "out", **WATCH)
    assert len(place.remembered["seen"]) == 1


def test_more_files_than_can_be_remembered_are_a_failure(place, monkeypatch):
    monkeypatch.setattr(processing, "MOST_REMEMBERED", 1)
    for name in "ab":
        place.put(f"in/{name}.txt")
    assert place.refusal("PROCESS", "in", "out", **WATCH).error_class == "MONITORING_ERROR"


def test_a_watched_folder_that_is_missing_is_a_failure_of_its_own(place):
    assert place.refusal("PROCESS", "in", "out", **WATCH).error_class == "MONITORING_ERROR"


def test_what_is_too_large_or_of_no_format_is_put_aside(place):
    place.put("in/large.csv", "x" * 2000, age=HOUR)
    place.put("in/wrong.csv", "id\n1,2\n", age=HOUR)
    place.put("in/good.csv", "id\n1\n", age=HOUR)
    place.put("in/young.csv", "id\n1\n")
    options = {
        "maxFileSize": "1KB",
        "minFileAge": 30,
        "quarantineInvalid": True,
        "processingType": "csv_transform",
    }
    result = place.run("PROCESS", "in", "out", **options)
    assert [*place.tree("out")] == ["good.csv", "quarantine/large.csv", "quarantine/wrong.csv"]
    assert [*place.tree("in")] == ["good.csv", "young.csv"]
    assert result.data["counts"] == {"quarantine": 2, "transform": 1}


def test_what_was_put_aside_is_not_deleted_as_an_original(place):
    place.put("in/a.csv", "id\n1,2\n")
    options = {"quarantineInvalid": True, "deleteOriginal": True, "processingType": "csv_transform"}
    result = place.run("PROCESS", "in", "out", **options)
    assert (result.data["counts"], "passed_over" in result.data) == ({"quarantine": 1}, False)
    assert [*place.tree()] == ["out/quarantine/a.csv"]


def test_nothing_in_quarantine_is_lost_to_another_of_its_name(place):
    for content in ("x" * 2000, "y" * 2000):
        place.put("in/a", content)
        place.run("PROCESS", "in", "out", maxFileSize="1KB", quarantineInvalid=True)
    assert sorted(content[:1] for content in place.tree("out").values()) == [b"x", b"y"]


def test_what_to_do_has_to_be_said(place):
    place.put("a")
    assert place.refusal("PROCESS", "a").error_class == "VALIDATION_ERROR"


def test_every_processing_is_offered():
    assert {*FileSystemForm.base_fields["processingType"].words} == {*processing.TYPES}
