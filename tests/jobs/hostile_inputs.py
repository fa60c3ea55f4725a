"""What hostile people and programs send to jobs, and what must come of it: one row an input.

The numbers stay as they are, so that every new way in is put through the same table. Texts hold marks such
as `<orders>` where the place is known only when a test runs: each is a fixture of the tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

NUMBERS = (22, *range(25, 57))


@dataclass(frozen=True)
class Refused:
    """Never stored: whoever sends it is told `sentence` at the key of the request that holds the value.

    The import, which reads more strictly, may have another sentence.
    """

    number: int
    what: str
    code: str
    key: str
    value: Any
    sentence: str
    beside: Mapping[str, Any] = field(default_factory=dict)
    by_import: str = ""

    @property
    def payload(self) -> dict[str, Any]:
        return {**self.beside, self.key: self.value}


@dataclass(frozen=True)
class Ends:
    """Stored, for nothing can be told before it runs: how its run ends, and what nobody gets to see of it.

    `ending` is an error class with a part of the sentence behind it, or SUCCESS.
    """

    number: int
    what: str
    code: str
    payload: Mapping[str, Any]
    ending: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    never: tuple[str, ...] = ()


@dataclass(frozen=True)
class Elsewhere:
    """Tested by a test of its own, which `where` names."""

    number: int
    what: str
    where: str


def is_tested(where: str) -> bool:
    """Whether there is the test that is named: `jobs.test_forms.test_a_thing`."""
    module, _, name = where.rpartition(".")
    return callable(getattr(import_module(f"tests.{module}"), name))


PRIVATE = "is not a public address"
METADATA = "is a metadata or link-local address"
SCHEME = "must start with http:// or https://"
SIGNS = "a blank, a backslash or a control character"
USER = "Leave user and password out"
SECRET = "s3cr3t-of-alice-0123456789"
DATABASES = "jobs.executors.test_database"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
PARAMETER = "{{ param:x }}"


def url(number: int, value: str, sentence: str) -> Refused:
    return Refused(number, value, "HTTP", "httpUrl", value, sentence)


def header(value: Any, sentence: str) -> Refused:
    return Refused(33, repr(value), "HTTP", "httpHeaders", value, sentence)


def body(what: str, value: str, sentence: str) -> Refused:
    beside = {"httpMethod": "POST", "contentType": "JSON"}
    return Refused(35, what, "HTTP", "httpBody", value, sentence, beside)


def database(number: int, value: str, sentence: str) -> Refused:
    return Refused(number, value, "DATABASE", "databaseUrl", value, sentence)


def query(number: int, where: str, statement: str, ending: str, **options: Any) -> Ends:
    payload = {"databaseUrl": where, "query": statement, **options}
    return Ends(number, f"{statement[:60]} on {where}", "DATABASE", payload, ending)


def path(value: str, sentence: str) -> Refused:
    return Refused(45, repr(value), "FILE_SYSTEM", "path", value, sentence, {"operation": "READ"})


def read(number: int, value: str, ending: str) -> Ends:
    payload = {"operation": "READ", "path": value}
    return Ends(number, value, "FILE_SYSTEM", payload, ending)


def script(number: int, content: str, ending: str, **options: Any) -> Ends:
    return Ends(
        number, content[:60], "SCRIPT", {"script": content, **options}, ending, never=("<key>", SECRET)
    )


def mail(key: str, value: Any, sentence: str, by_import: str = "") -> Refused:
    return Refused(54, f"{key} {str(value)[:40]!r}", "EMAIL", key, value, sentence, by_import=by_import)


def report(value: str, sentence: str) -> Refused:
    return Refused(56, value, "REPORT", "title", value, sentence)


ROWS: tuple[Refused | Ends | Elsewhere, ...] = (
    # Timeouts
    *(
        Refused(22, str(value), "DATABASE", "queryTimeoutSeconds", value, "a whole number from 1 to 86,400")
        for value in (0, -1, 2147483648)
    ),
    Refused(
        22,
        "abc",
        "DATABASE",
        "queryTimeoutSeconds",
        "abc",
        "a whole number from 1 to 86,400",
        by_import="a whole number, not text",
    ),
    # Addresses
    url(25, "http://169.254.169.254/latest/meta-data/", METADATA),
    Ends(
        25,
        "metadata by a parameter",
        "HTTP",
        {"httpUrl": f"http://{PARAMETER}/latest/"},
        f"PLACEHOLDER_ERROR {METADATA}",
        {"x": "169.254.169.254"},
    ),
    *(
        url(26, f"http://{host}/", PRIVATE)
        for host in (
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0",
            "[::1]",
            "[::ffff:7f00:1]",
            "①②⑦.⓪.⓪.①",
        )
    ),
    Ends(
        26,
        "127.1 by a parameter",
        "HTTP",
        {"httpUrl": f"http://{PARAMETER}/"},
        f"PLACEHOLDER_ERROR {PRIVATE}",
        {"x": "127.1"},
    ),
    url(27, "http://[64:ff9b::a9fe:a9fe]/", METADATA),
    url(27, "http://[2002:7f00:1::]/", PRIVATE),
    url(27, "http://192.0.0.192/", METADATA),
    url(27, "http://224.0.0.1/", PRIVATE),
    url(28, "http://127.0.0.1\\@example.com/", SIGNS),
    url(28, "http://example.com@127.0.0.1/", USER),
    url(28, "http://a@b@c/", USER),
    Ends(
        29,
        "a name that leads inside when it is asked for again",
        "HTTP",
        {"httpUrl": "<rebound>/status/200"},
        f"FORBIDDEN_ADDRESS 127.0.0.2 {PRIVATE}",
    ),
    Elsewhere(
        29,
        "the address that was checked",
        "jobs.executors.test_guard.test_the_address_that_was_checked_is_the_one_connected_to",
    ),
    Ends(
        30,
        "to inside",
        "HTTP",
        {"httpUrl": "<site>/elsewhere/127.0.0.2/6379"},
        f"FORBIDDEN_ADDRESS {PRIVATE}",
    ),
    Ends(
        30,
        "to a file",
        "HTTP",
        {"httpUrl": "<site>/location/file:///etc/passwd"},
        "INVALID_URL neither http nor https",
    ),
    Ends(
        30,
        "to itself",
        "HTTP",
        {"httpUrl": "<site>/location/loop"},
        "TOO_MANY_REDIRECTS It redirects more than",
    ),
    *(
        url(31, each, SCHEME)
        for each in (
            "file:///etc/passwd",
            "gopher://example.com/",
            "ftp://example.com/",
            "javascript:alert(1)",
            "//evil.example/",
        )
    ),
    url(32, "http://localhost:6379/%0d%0aFLUSHALL", PRIVATE),
    url(32, "http://example.com/\r\nFLUSHALL", "control character"),
    header({"X": "a\r\nHost: evil.example"}, "characters that headers cannot carry"),
    header({"Content-Length": "5"}, "is set by Chronos itself"),
    header({"transfer-encoding": "chunked"}, "is set by Chronos itself"),
    Ends(
        33,
        "a header by a parameter",
        "HTTP",
        {"httpUrl": "<site>/status/200", "httpHeaders": {"X": PARAMETER}},
        "PLACEHOLDER_ERROR characters that headers cannot carry",
        {"x": "a\r\nHost: evil.example"},
    ),
    Ends(
        34,
        "a header that the server echoes",
        "HTTP",
        {"httpUrl": "<site>/echo", "httpHeaders": {"Authorization": "Bearer {{ secret:token }}"}},
        "SUCCESS",
        never=(SECRET,),
    ),
    Elsewhere(34, "in exports", "jobs.transfer.test_exporting.test_secrets_stay_here_unless_asked_for"),
    Elsewhere(34, "on pages", "dashboard.test_job_detail.test_the_payload_hides_secrets"),
    body("a key twice", '{"a": 1, "a": 2}', "The key 'a' stands twice."),
    body("NaN", '{"a": NaN}', "NaN is no JSON value."),
    body("10,000 levels", "[" * 10_000 + "]" * 10_000, "deeper than 20 levels"),
    Refused(35, "more than any body", "HTTP", "httpBody", "x" * 200_001, "at most 200000 characters"),
    Elsewhere(
        35, "50 MB", "chronos_site.test_middleware.test_more_than_anybody_types_is_refused_before_it_is_read"
    ),
    # Databases
    database(36, "sqlite:///../../db.sqlite3", "by its whole path"),
    database(36, "sqlite:////srv/../etc/passwd", "by its whole path"),
    query(36, "sqlite:////etc/passwd", "SELECT 1", "FORBIDDEN_PATH"),
    query(36, "sqlite:///<root>/link/passwd", "SELECT 1", "FORBIDDEN_PATH"),
    database(
        37,
        "postgresql://u:p@h/db?options=-c%20default_transaction_read_only%3Doff",
        "is none that Chronos follows",
    ),
    database(37, "postgresql://u@h/db?host=/var/run/postgresql", "is none that Chronos follows"),
    database(37, "postgresql://u@h/db?service=x", "is none that Chronos follows"),
    database(38, "mysql://h/?local_infile=1", "is none that Chronos follows"),
    database(38, "mysql://h/?init_command=DROP%20TABLE%20t", "is none that Chronos follows"),
    query(39, "<own>", "SELECT 1", "FORBIDDEN_ADDRESS This is Chronos's own database"),
    query(40, "<orders>", "SELECT 1; DROP TABLE t", "SYNTAX_ERROR several statements"),
    query(40, "<postgresql>", "SELECT 1; DROP TABLE t", "SYNTAX_ERROR several statements"),
    query(41, "<orders>", "INSERT INTO t VALUES (2, 'b')", "READ_ONLY_VIOLATION read only"),
    query(41, "<orders>", "COMMIT; INSERT INTO t VALUES (2, 'b')", "PERMISSION_DENIED not authorized"),
    query(41, "<postgresql>", "INSERT INTO t VALUES (2, 'b')", "READ_ONLY_VIOLATION"),
    query(41, "<postgresql>", "COMMIT; INSERT INTO t VALUES (2, 'b')", "SYNTAX_ERROR several statements"),
    query(41, "<postgresql>", "SET TRANSACTION READ WRITE", "DATABASE_ERROR must be set before any query"),
    query(41, "<postgresql>", "WITH d AS (DELETE FROM t RETURNING *) TABLE d", "READ_ONLY_VIOLATION"),
    Elsewhere(41, "no row is lost", f"{DATABASES}.test_a_read_only_job_changes_nothing"),
    Elsewhere(41, "in procedures too", f"{DATABASES}.test_postgresql_itself_keeps_the_session_read_only"),
    Elsewhere(41, "on MariaDB", f"{DATABASES}.test_mariadb_itself_keeps_the_session_read_only"),
    query(42, "<postgresql>", "COPY (SELECT 1) TO PROGRAM 'id'", "PERMISSION_DENIED must be superuser"),
    query(42, "<postgresql>", "SELECT pg_read_file('/etc/passwd')", "PERMISSION_DENIED permission denied"),
    query(42, "<postgresql>", "SELECT lo_export(1, '/tmp/x')", "PERMISSION_DENIED permission denied"),
    query(42, "<postgresql>", "SELECT dblink('a', 'b')", "SYNTAX_ERROR does not exist"),
    Elsewhere(
        42, "a superuser", f"{DATABASES}.test_who_may_write_files_on_the_server_may_not_run_read_only_jobs"
    ),
    query(43, "<orders>", "ATTACH '<root>/x.db' AS o", "PERMISSION_DENIED not authorized"),
    query(43, "<orders>", "VACUUM INTO '<root>/x.db'", "PERMISSION_DENIED authorization denied"),
    query(43, "<orders>", "PRAGMA query_only = 0", "PERMISSION_DENIED not authorized"),
    query(43, "<orders>", "SELECT load_extension('x')", "SYNTAX_ERROR not authorized to use function"),
    query(44, "<orders>", ENDLESS, "TIMEOUT longer than 1 s", queryTimeoutSeconds=1),
    query(44, "<postgresql>", "SELECT pg_sleep(1e6)", "TIMEOUT longer than 1 s", queryTimeoutSeconds=1),
    query(44, "<orders>", "SELECT replace(hex(zeroblob(100000000)), '0', 'x')", "RESULT_TOO_LARGE"),
    Elsewhere(44, "a row of 300 MB", f"{DATABASES}.test_a_row_that_is_too_large_is_given_up"),
    # Files
    *(path(each, "starting with /") for each in ("../../etc/passwd", "..%2f", "C:\\x", "~root", "$(id)")),
    path("/a/../../b", "without .. in it"),
    Refused(
        45, "NUL", "FILE_SYSTEM", "path", "/srv/\0", "control character", {"operation": "READ"}, "holds a NUL"
    ),
    read(45, "/etc/shadow", "FORBIDDEN_PATH lies outside the folders"),
    read(45, "<root>/..%2f..%2fetc", "FILE_NOT_FOUND"),
    read(46, "<root>/link/passwd", "FORBIDDEN_PATH"),
    read(46, "<root>/shadow", "FORBIDDEN_PATH"),
    Elsewhere(
        46,
        "swapped while it runs",
        "jobs.executors.files.test_roots.test_a_link_that_is_put_in_a_folders_place_again_and_again_is_never_followed",
    ),
    read(47, "<root>/pipe", "FORBIDDEN_PATH no regular file"),
    read(47, "/dev/zero", "FORBIDDEN_PATH"),
    read(47, "/proc/self/environ", "FORBIDDEN_PATH"),
    Refused(
        48,
        "unpacking",
        "FILE_SYSTEM",
        "parameters",
        {"processingType": "unzip"},
        "is none of",
        {"operation": "PROCESS"},
    ),
    Elsewhere(
        48,
        "an answer that unpacks without end",
        "jobs.executors.calling.test_calls.test_a_body_that_unpacks_without_end_is_cut",
    ),
    Elsewhere(
        48,
        "links are not packed",
        "jobs.executors.test_file_system.test_links_pipes_and_half_written_files_are_left_out",
    ),
    # Scripts
    Elsewhere(49, "by the form", "jobs.test_views.test_scripts_are_for_nobody_else"),
    Elsewhere(49, "by copying", "jobs.test_views.test_a_script_is_copied_by_administrators_alone"),
    Elsewhere(
        49,
        "by the import",
        "jobs.transfer.test_importing.test_scripts_are_refused_for_people_who_may_not_define_them",
    ),
    Elsewhere(49, "by an edit", "jobs.test_rights.test_scripts_are_changed_by_administrators_only"),
    Elsewhere(
        49, "by another type", "jobs.test_rights.test_no_job_becomes_a_script_or_stops_being_one_by_an_edit"
    ),
    script(50, "env; cat /proc/*/environ | tr '\\0' '\\n'; true", "SUCCESS"),
    script(50, "cat '<data>'/* '<data>'/*/* && echo got it", "SCRIPT_ERROR"),
    script(51, ":(){ :|:& };:; sleep 20", "LIMIT_EXCEEDED", processes=50),
    script(51, "yes", "TIMEOUT Not done within its 1 s.", timeoutSeconds=1),
    script(51, "sleep 1e9", "TIMEOUT Not done within its 1 s.", timeoutSeconds=1),
    script(51, "setsid sleep 1000 & echo done", "SUCCESS"),
    Elsewhere(51, "kill -9 -1", "jobs.executors.test_script.test_a_script_cannot_end_what_is_not_its_own"),
    Ends(
        52,
        "bytes for terminals and browsers",
        "SCRIPT",
        {
            "script": r"""printf '\033]0;pwn\007\033[2J<Script>\377</pre>\n'
                          yes | head -c 10000000 | tr -d '\n'"""
        },
        "SUCCESS",
        never=("\x1b", "\x07", "y" * 10_000),
    ),
    Elsewhere(52, "on the page", "dashboard.test_runs.test_hostile_lines_are_harmless"),
    script(
        53, "echo $TOKEN; printf %s $TOKEN | base64", "SUCCESS", environment={"TOKEN": "{{ secret:token }}"}
    ),
    # Messages
    mail("to", ["a@b.example\nBcc: all@x.example"], "is too long or holds a control character"),
    mail("to", ['"a b"@x'], "is no e-mail address"),
    mail(
        "to",
        [f"person{each}@example.com" for each in range(10_000)],
        "at most 100000 characters",
        by_import="longer than 100,000 characters",
    ),
    mail("subject", "Hello\r\nBcc: all@x.example", "control character"),
    Ends(
        54,
        "a subject by a parameter",
        "EMAIL",
        {"to": ["a@example.com"], "subject": PARAMETER},
        "PLACEHOLDER_ERROR control character",
        {"x": "Hello\r\nBcc: all@x.example"},
    ),
    *(
        Refused(55, f"topic {each[:8]!r}", "DB_TO_KAFKA", "kafkaTopic", each, "topic name")
        for each in ("../x", "a" * 250)
    ),
    Refused(
        55,
        "a key with NUL",
        "MESSAGE_QUEUE",
        "messageGroupId",
        "a\0b",
        "control character",
        {},
        "holds a NUL",
    ),
    Refused(55, "2 MB", "MESSAGE_QUEUE", "messageBody", "x" * 2_000_000, "at most 200000 characters"),
    report("{{ settings.SECRET_KEY }}", "no placeholder"),
    Elsewhere(56, "code", "jobs.executors.test_report_form.test_code_in_texts_is_text_or_refused"),
    Elsewhere(56, "as text", "jobs.executors.test_report.test_what_is_put_in_is_never_read_again"),
)
