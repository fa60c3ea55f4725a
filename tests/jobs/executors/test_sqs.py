"""Message jobs against a server that answers, and checks signatures, as SQS does."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import boto3
import pytest
from moto import settings as moto_settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.brokers.aws import account as named
from jobs.executors.brokers.aws import refusal as refused
from jobs.executors.message_queue import TYPE, execute
from tests.factories import NOON
from tests.jobs.executors.payloads import errors, form

NAMES = (f"queue-{number}" for number in count())
PEOPLE = (f"mara-{number}" for number in count())
REGION = "eu-west-1"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}


class Quiet(WSGIRequestHandler):
    def log(self, *args):
        """Nobody reads it."""


@contextmanager
def served(server):
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def client(name, host, access="any", secret="any"):
    made = boto3.client(
        name,
        endpoint_url=f"http://{host}",
        region_name=REGION,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
    )
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def account():
    """Host, access key and secret of an account whose every call must be signed."""
    app = DomainDispatcherApplication(create_backend_app)
    with served(make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)) as host:
        with client("iam", host) as people:
            # Its accounts live as long as this process, which may come here twice.
            name = next(PEOPLE)
            people.create_user(UserName=name)
            people.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(POLICY))
            key = people.create_access_key(UserName=name)["AccessKey"]
        ActionAuthenticatorMixin.request_count, moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0, 0
        yield host, key["AccessKeyId"], key["SecretAccessKey"]
        moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")


@pytest.fixture
def sqs(account):
    """A client of Amazon's own."""
    with client("sqs", *account) as made:
        yield made


@pytest.fixture
def make(sqs):
    def queue(kind="", **attributes):
        fifo = {"FifoQueue": "true"} if kind else {}
        return sqs.create_queue(QueueName=next(NAMES) + kind, Attributes={**fifo, **attributes})["QueueUrl"]

    return queue


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]


def context(seconds=40.0):
    return Context(
        "run-1", "job-1", "Orders", NOON, 1, time.monotonic() + seconds, log=lambda *_, **__: None
    )  # fmt: skip


@pytest.fixture
def run(account):
    """One run on the queue of a URL, as a job that says all itself."""
    _, access, secret = account

    def run(operation, url, *, within=None, config=None, **columns):
        names = ("message_body", "message_group_id", "batch_size", "queue_name")
        options = {name: columns.pop(name) for name in list(columns) if name not in names}
        keys = {"region": REGION, "accessKeyId": access, "secretAccessKey": secret}
        config = {"type": "SQS", "queueUrl": url, **keys, **(config or {})}
        config = {name: value for name, value in config.items() if value is not None}
        said = {"queue_name": url.rpartition("/")[2], "queue_config": config, "metadata": options, **columns}
        return execute(Payload({"operation_type": operation, **said}), within or context())

    return run


@pytest.fixture
def refusal(run):
    def refusal(*args, **kwargs):
        with pytest.raises(ExecutionError) as caught:
            run(*args, **kwargs)
        return caught.value

    return refusal


def sent(sqs, url, *bodies, **options):
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body, **options)
    return url


def received(sqs, url):
    everything = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **everything)
    return answer.get("Messages", [])


def bodies(result):
    return sorted(each["body"] for each in result.data["messages"])


def test_a_message_is_sent_with_its_attributes(run, sqs, make):
    url = make()
    options = {"message_attributes": {"type": "email", "size": 3}, "message_headers": {"urgent": True}}
    result = run("PRODUCE", url, message_body="Grüße ✓", **options)
    (message,) = received(sqs, url)
    said = {
        name: (each["DataType"], each["StringValue"]) for name, each in message["MessageAttributes"].items()
    }
    assert (message["Body"], result.data["bytes"]) == ("Grüße ✓", 11)
    assert said == {"type": ("String", "email"), "size": ("Number", "3"), "urgent": ("String", "true")}


def test_a_fifo_queue_gets_group_and_deduplication_id(run, sqs, make):
    url = make(".fifo")
    for body in ("first", "again"):
        run("PRODUCE", url, message_body=body, message_group_id="shop", message_deduplication_id="n-17")
    (message,) = received(sqs, url)
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ("first", "shop")
    assert message["Attributes"]["MessageDeduplicationId"] == "n-17"


def test_a_message_can_be_held_back(run, sqs, make):
    url = make()
    run("PRODUCE", url, message_body="later", config={"delaySeconds": 60})
    said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert said["Attributes"] == {"ApproximateNumberOfMessagesDelayed": "1"}


def test_what_is_taken_is_deleted(run, sqs, make):
    url = sent(sqs, make(), *map(str, range(12)))
    result = run("CONSUME", url, batch_size=11)
    assert result.data["count"] == 11
    assert len(set(bodies(result))) == 11
    assert run("CONSUME", url).data["count"] == 1
    assert run("CONSUME", url).data["count"] == 0


def test_taken_messages_tell_group_and_attributes(run, sqs, make):
    kind = {"DataType": "String", "StringValue": "email"}
    url = sent(sqs, make(".fifo", ContentBasedDeduplication="true"), "x", MessageGroupId="shop",
               MessageAttributes={"type": kind})  # fmt: skip
    (message,) = run("CONSUME", url).data["messages"]
    assert (message["key"], message["headers"]) == ("shop", {"type": "email"})


def test_what_does_not_fit_with_one_run_is_visible_again_at_once(run, sqs, make, settings):
    settings.ARTEFACT_LIMIT_MB = 1
    url = sent(sqs, make(), *(str(number) * 240_000 for number in range(5)))
    assert run("CONSUME", url).data["count"] == 4
    assert run("CONSUME", url).data["count"] == 1


def hidden(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return [int(said[name]) for name in names]


def test_dead_letters_are_moved_with_all_that_is_known_of_them(run, sqs, make):
    attribute = {"data": {"DataType": "Binary", "BinaryValue": b"\xff\x00"}}
    url, target = sent(sqs, make(), *"abc", MessageAttributes=attribute), make()
    result = run("MOVE_DLQ", url, config={"targetQueue": target.rpartition("/")[2]})
    moved = received(sqs, target)
    assert result.data["moved"] == 3
    assert sorted(each["Body"] for each in moved) == ["a", "b", "c"]
    assert moved[0]["MessageAttributes"]["data"]["BinaryValue"] == b"\xff\x00"
    assert hidden(sqs, url) == [0, 0]


def test_dead_letters_are_no_duplicates_of_what_was_sent_before(run, sqs, make):
    dead, home = make(".fifo"), make(".fifo")
    sent(sqs, dead, "x", MessageGroupId="shop", MessageDeduplicationId="n-17")
    run("MOVE_DLQ", dead, config={"targetQueue": home.rpartition("/")[2]})
    attributes = received(sqs, home)[0]["Attributes"]
    assert attributes["MessageGroupId"] == "shop"
    assert attributes["MessageDeduplicationId"] not in ("", "n-17")


def test_dead_letters_stay_when_they_cannot_be_moved(refusal, sqs, make):
    url = sent(sqs, make(), "x")
    failure = refusal("MOVE_DLQ", url, config={"targetQueue": "not-there"})
    assert (failure.error_class, hidden(sqs, url)) == ("QUEUE_MISSING", [1, 0])


def test_a_group_is_moved_to_its_end_in_its_order(run, sqs, make):
    dead, home = make(".fifo", ContentBasedDeduplication="true"), make(".fifo")
    sent(sqs, dead, *map(str, range(25)), MessageGroupId="shop")
    assert run("MOVE_DLQ", dead, config={"targetQueue": home.rpartition("/")[2]}).data["moved"] == 25
    assert [each["Body"] for each in received(sqs, home)] == [str(number) for number in range(10)]


def test_a_queue_is_purged_and_counted(run, sqs, make):
    url = sent(sqs, make(), *"abc")
    received(sqs, url)
    sent(sqs, url, "d")
    assert run("PURGE", url).data == {"purged": {url.rpartition("/")[2]: 4}}
    assert hidden(sqs, url) == [0, 0]


def test_the_administrators_account_is_trusted_and_finds_queues_by_name(account, sqs, make, settings):
    host, access, secret = account
    secret = secret.replace("/", "%2F").replace("+", "%2B")
    settings.ALLOWED_NETWORKS = []
    settings.BROKERS = {"shop": f"sqs://{access}:{secret}@{host}?region={REGION}&tls=false"}
    first, second = make(), make()
    names = ", ".join(url.rpartition("/")[2] for url in (first, second))
    said = {"operation_type": "PRODUCE", "queue_name": names, "message_body": "Hello"}
    execute(Payload({**said, "queue_config": {"broker": "shop"}}), context())
    assert [len(received(sqs, url)) for url in (first, second)] == [1, 1]


def test_a_queue_that_is_missing_is_a_failure(refusal, make):
    url = make() + "-not"
    failure = refusal("CONSUME", url)
    assert failure.error_class == "QUEUE_MISSING"


@pytest.mark.parametrize("said", [{"secretAccessKey": "s3cret-word"}, {"accessKeyId": "AKIANOBODY"}])
def test_keys_that_are_wrong_are_told_without_the_secret(refusal, make, said):
    failure = refusal("PRODUCE", make(), message_body="x", config=said)
    assert failure.error_class == "BROKER_REFUSED"
    assert "s3cret-word" not in failure.message


def test_what_amazon_refuses_is_told_in_its_words(refusal, make):
    failure = refusal("PRODUCE", make(".fifo"), message_body="x")
    assert (failure.error_class, "MessageGroupId" in failure.message) == ("AWS_ERROR", True)


@pytest.mark.parametrize("name", ["accessKeyId", "secretAccessKey", "sessionToken"])
def test_words_of_a_shell_are_no_keys(refusal, make, name):
    failure = refusal("PRODUCE", make(), message_body="x", config={name: "${AWS_KEY}"})
    assert failure.error_class == "AWS_ERROR"
    assert f"{name} is a word of a shell" in failure.message
    assert "{{ secret:name }}" in failure.message


def test_throttled_calls_say_when_to_try_again():
    failure = refused(400, {"__type": "com.amazonaws.sqs#RequestThrottled", "message": "Slow down"})
    assert (failure.error_class, failure.message, failure.retry_after) == (
        "AWS_ERROR",
        "RequestThrottled: Slow down",
        5,
    )


@pytest.mark.parametrize(
    ("url", "config", "sentence"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/1/other", {}, "must end with the name of the queue"),
        ("https://example.com/1/orders", {"region": "nowhere"}, "'nowhere' is no region of AWS"),
        ("https://example.com/1/orders", {"region": None}, "The region is missing"),
        ("orders", {}, "The queueUrl is no address of a queue."),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused(refusal, url, config, sentence):
    failure = refusal("CONSUME", url, queue_name="orders", config=config)
    assert (failure.error_class, sentence in failure.message) == ("BROKER_ERROR", True), failure.message


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqs://a:b@/", "The region is missing"),
        ("sqs://sqs.eu-west-1.amazonaws.com", "holds no access key"),
        ("sqs://a:b@?region=eu-west-1&colour=red", "takes region and tls"),
        ("sqs://a:b@host:port?region=eu-west-1", "cannot be read"),
    ],
)
def test_an_address_of_the_settings_that_says_too_little_is_refused(url, sentence, settings):
    settings.BROKERS = {"shop": url}
    with pytest.raises(ExecutionError, match=sentence):
        execute(Payload({"operation_type": "CONSUME", "queue_name": "orders"}), context())


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("us-gov-west-1", "https://sqs.us-gov-west-1.amazonaws.com/"),
        ("cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn/"),
    ],
)
def test_a_region_tells_where_its_queues_are(region, endpoint):
    keys = {"accessKeyId": "a", "secretAccessKey": "b"}
    assert named("", {"region": region, **keys}).endpoint == endpoint
    found = named("", {"queueUrl": f"{endpoint}1/orders", **keys})
    assert (found.region, found.endpoint, found.queues) == (region, endpoint, f"{endpoint}1/")
    assert "'b'" not in repr(found)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"region": REGION}, "accessKeyId is missing"),
        ({"region": REGION, "accessKeyId": "a"}, "secretAccessKey is missing"),
        (
            {"queueUrl": "ftp://host/1/orders", "accessKeyId": "a", "secretAccessKey": "b"},
            "no address of a queue",
        ),
        ({"broker": "shop", "accessKeyId": "a"}, "leave out accessKeyId"),
        ({"type": "SQS", "delaySeconds": 901}, "delaySeconds"),
    ],
)
def test_what_the_form_refuses(config, sentence):
    payload = {"operationType": "CONSUME", "queueName": "orders", "queueConfig": config}
    assert sentence in errors(form("MESSAGE_QUEUE", payload))["queue_config"]


def test_all_of_the_account_may_be_secrets():
    config = {name: f"{{{{ secret:{name} }}}}" for name in ("queueUrl", "accessKeyId", "secretAccessKey")}
    payload = {"operationType": "CONSUME", "queueName": "orders", "queueConfig": {"type": "SQS", **config}}
    assert errors(form("MESSAGE_QUEUE", payload)) == {}


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "localhost"])
def test_a_queue_that_a_job_names_is_where_jobs_may_go(refusal, host, settings):
    settings.ALLOWED_NETWORKS = []
    assert refusal("CONSUME", f"http://{host}:9/1/orders").error_class == "FORBIDDEN_ADDRESS"


@pytest.mark.parametrize(
    ("host", "name"), [("127.0.0.1:1", "CONNECTION_ERROR"), ("nowhere.invalid", "DNS_ERROR")]
)
def test_who_is_not_there_is_told(refusal, host, name):
    assert refusal("CONSUME", f"http://{host}/1/orders").error_class == name


def test_tls_is_not_given_up_where_the_server_knows_none(refusal, account):
    assert refusal("CONSUME", f"https://{account[0]}/1/orders").error_class == "TLS_ERROR"


@pytest.fixture
def silent():
    """The URL of a queue at a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/1/orders"


def test_a_server_that_says_nothing_is_told_soon(refusal, silent, monkeypatch):
    monkeypatch.setattr("jobs.executors.brokers.aws.ANSWER_SECONDS", 0.5)
    failure = refusal("CONSUME", silent)
    assert (failure.error_class, "does not answer in time" in failure.message) == ("CONNECTION_ERROR", True)


def test_a_run_that_is_cancelled_waits_for_no_answer(run, silent):
    within = context()
    threading.Timer(0.5, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        run("CONSUME", silent, within=within)
    assert time.monotonic() - started < 4


def test_a_run_ends_with_its_time(run, silent):
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run("CONSUME", silent, within=context(1))
    assert time.monotonic() - started < 3


class Strange(BaseHTTPRequestHandler):
    """Answers with the status and the body that its server has."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((self.headers, asked))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args):
        """Nobody reads it."""


@pytest.fixture
def strange():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Strange)
    server.calls = []
    with served(server) as host:
        server.url = f"http://{host}/1/orders"
        yield server


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"<html>", "nothing that could be read"),
        (200, b"[1]", "nothing that could be read"),
        (200, b"{}", "does not say that it has taken"),
        (307, b"", "status 307"),
        (503, b"busy", "status 503"),
        (200, b"x" * 20_000_001, "more than fits with a run"),
    ],
)
def test_answers_that_nobody_expects_are_failures(refusal, strange, status, body, sentence):
    strange.status, strange.body = status, body
    failure = refusal("PRODUCE", strange.url, message_body="x")
    assert (failure.error_class, sentence in failure.message) == ("AWS_ERROR", True), failure.message
    assert failure.retry_after == (5 if status == 503 else None)


def test_the_token_of_a_session_is_sent(run, strange):
    strange.status, strange.body = 200, b'{"MessageId": "m-1"}'
    run("PRODUCE", strange.url, message_body="x", config={"sessionToken": "for-an-hour"})
    headers, _ = strange.calls[0]
    assert headers["x-amz-security-token"] == "for-an-hour"
    assert "x-amz-security-token" in headers["Authorization"]


@pytest.mark.parametrize(
    ("options", "seconds"),
    [({"visibility_timeout_seconds": 90}, 90), ({"visibility_timeout_seconds": 0}, 40), ({}, 40)],
)
def test_what_is_taken_is_hidden_as_the_job_says_or_while_the_run_may_last(run, strange, options, seconds):
    strange.status, strange.body = 200, b"{}"
    run("CONSUME", strange.url, **options)
    _, asked = strange.calls[0]
    assert (asked["VisibilityTimeout"], asked["WaitTimeSeconds"]) == (seconds, 1)


def test_messages_that_are_not_removed_are_told(refusal, strange):
    message = {"MessageId": "m-1", "ReceiptHandle": "r-1", "Body": "x"}
    failed = {"Id": "0", "Code": "ReceiptHandleIsInvalid", "SenderFault": True}
    strange.status, strange.body = 200, json.dumps({"Messages": [message], "Failed": [failed]}).encode()
    failure = refusal("CONSUME", strange.url, batch_size=1)
    assert failure.error_class == "AWS_ERROR"
    assert "has not removed 1 of 1 messages, which may come again: ReceiptHandleIsInvalid" in failure.message


def test_each_class_is_one_of_the_vocabulary():
    for code in ("QueueDoesNotExist", "AccessDenied", "Throttling"):
        assert refused(400, {"__type": code}).error_class in TYPE.vocabulary
