"""SQS: what is taken stays hidden for a while, and is deleted once the run is sure to keep it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError
from jobs.executors.brokers import Message, aws

# What SQS gives and takes at once, at most.
AT_ONCE = 10
# Without a wait, SQS looks into some of its servers only and may find nothing where something is.
WAIT_SECONDS = 1
HIDDEN_SECONDS = 43_200
COUNTS = ("", "NotVisible", "Delayed")
FIFO = ".fifo"


@contextmanager
def opened(
    url: str, config: Mapping[str, Any], queues: Sequence[str], hidden: int | None, context: Context
) -> Iterator["Sqs"]:
    """An account's queues; what was taken and not done is visible again at the end.

    `hidden` is for how many seconds nobody else sees what is taken: as long as the run may last, if None.
    """
    account = aws.account(url, config)
    if account.queues and [config["queueUrl"]] != [account.queues + each for each in queues]:
        raise ExecutionError(
            "BROKER_ERROR", "The queueUrl must end with the name of the queue, the only one."
        )
    with aws.opened(account, context) as call:
        found = Sqs(call, account.queues, config.get("delaySeconds"), hidden, context)
        try:
            yield found
        finally:
            # Where the run is over, nobody can be told: they are visible when their time has passed.
            with suppress(ExecutionError, Cancelled, DeadlineExceeded):
                found.give_back()


class Sqs:
    """The queues of one account."""

    def __init__(
        self, call: aws.Calls, queues: str, delay: int | None, hidden: int | None, context: Context
    ) -> None:
        self._call = call
        self._queues = queues
        self._delay = delay
        self._hidden = hidden
        self._context = context
        self._urls: dict[str, str] = {}
        self._taken: dict[str, Message] = {}

    def _url(self, queue: str) -> str:
        if self._queues:
            return self._queues + queue
        if queue not in self._urls:
            self._urls[queue] = str(self._call("GetQueueUrl", QueueName=queue).get("QueueUrl"))
        return self._urls[queue]

    def send(self, queues: Sequence[str], message: Message) -> None:
        for queue in queues:
            said = _new(message) if message.kept is None else _kept(message, queue)
            answer = self._call(
                "SendMessage",
                QueueUrl=self._url(queue),
                MessageBody=message.body.decode(),
                DelaySeconds=self._delay,
                **said,
            )
            if not answer.get("MessageId"):
                raise ExecutionError("AWS_ERROR", "SQS does not say that it has taken the message.")
            if message.kept is None:
                self._context.log("INFO", f"{queue} has it as {answer['MessageId']}")

    def count(self, queue: str) -> int:
        return self._count(queue, "")

    def _count(self, queue: str, *kinds: str) -> int:
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        answer = self._call("GetQueueAttributes", QueueUrl=self._url(queue), AttributeNames=names)
        return sum(int((answer.get("Attributes") or {}).get(name, 0)) for name in names)

    def take(self, queue: str, most: int) -> list[Message]:
        # Not again and again: SQS gives no more of a group before these are done.
        answer = self._call(
            "ReceiveMessage",
            QueueUrl=self._url(queue),
            MaxNumberOfMessages=min(AT_ONCE, most),
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=self._hidden or min(HIDDEN_SECONDS, math.ceil(self._context.remaining)),
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = [_message(queue, each) for each in answer.get("Messages") or []]
        self._taken |= {each.kept["ReceiptHandle"]: each for each in messages}
        return messages

    def done(self, messages: Sequence[Message]) -> None:
        failed = self._batches("DeleteMessageBatch", messages)
        if failed:
            raise ExecutionError(
                "AWS_ERROR",
                f"SQS has not removed {len(failed)} of {len(messages)} messages, which may come again: "
                f"{failed[0].get('Code')} {failed[0].get('Message') or ''}".rstrip(),
            )

    def give_back(self) -> None:
        """Let others see at once what was taken and is not done."""
        self._batches("ChangeMessageVisibilityBatch", list(self._taken.values()), VisibilityTimeout=0)

    def _batches(self, action: str, messages: Sequence[Message], **each: Any) -> list[dict[str, Any]]:
        """The entries that failed."""
        failed: list[dict[str, Any]] = []
        for queue in dict.fromkeys(message.place for message in messages):
            receipts = [message.kept["ReceiptHandle"] for message in messages if message.place == queue]
            for first in range(0, len(receipts), AT_ONCE):
                some = receipts[first : first + AT_ONCE]
                entries = [
                    {"Id": str(number), "ReceiptHandle": receipt, **each}
                    for number, receipt in enumerate(some)
                ]
                failed += self._call(action, QueueUrl=self._url(queue), Entries=entries).get("Failed") or []
                for receipt in some:
                    self._taken.pop(receipt, None)
        return failed

    def purge(self, queue: str) -> int:
        count = self._count(queue, *COUNTS)
        self._call("PurgeQueue", QueueUrl=self._url(queue))
        return count


def _new(message: Message) -> dict[str, Any]:
    # The group is a word of SQS's own; in the headers it would be told twice.
    headers = {name: value for name, value in message.headers.items() if name != "message-group-id"}
    return {
        "MessageAttributes": {name: _attribute(value) for name, value in headers.items()} or None,
        "MessageGroupId": message.key.decode() if message.key else None,
        "MessageDeduplicationId": message.id or None,
    }


def _attribute(value: Any) -> dict[str, str]:
    if isinstance(value, bool):
        return {"DataType": "String", "StringValue": str(value).lower()}
    if isinstance(value, int | float):
        return {"DataType": "Number", "StringValue": str(value)}
    return {"DataType": "String", "StringValue": "" if value is None else str(value)}


def _kept(message: Message, queue: str) -> dict[str, Any]:
    """What a message that came from SQS keeps in another queue."""
    return {
        "MessageAttributes": message.kept.get("MessageAttributes"),
        "MessageGroupId": message.key.decode() if message.key else None,
        # With the id it was first sent by, SQS would drop it silently for five minutes.
        "MessageDeduplicationId": message.id if queue.endswith(FIFO) else None,
    }


def _message(queue: str, said: Mapping[str, Any]) -> Message:
    group = (said.get("Attributes") or {}).get("MessageGroupId")
    return Message(
        said["Body"].encode(),
        group.encode() if group else None,
        said["MessageId"],
        {name: _value(each) for name, each in (said.get("MessageAttributes") or {}).items()},
        place=queue,
        kept=said,
    )


def _value(attribute: Mapping[str, Any]) -> Any:
    return attribute.get("StringValue", attribute.get("BinaryValue"))
