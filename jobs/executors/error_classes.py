"""The classes of failures, and the wider ones that each belongs to."""

import re

# What runs fail with whatever their type is.
OF_THE_ENGINE = (
    "TIMEOUT",
    "WORKER_LOST",
    "PLACEHOLDER_ERROR",
    "SECRET_UNREADABLE",
    "ARTEFACT_TOO_LARGE",
    "INTERNAL_ERROR",
)

# A wider class, and the narrower ones right below it; `retry_on` may name any of a chain.
FAMILIES = {
    "HTTP_ERROR": "4XX 5XX",
    "NETWORK_ERROR": "CONNECTION_ERROR",
    "CONNECTION_ERROR": "DNS_ERROR TLS_ERROR",
    "DATABASE_ERROR": "AUTHENTICATION_ERROR CONSTRAINT_VIOLATION DEADLOCK DRIVER_MISSING LOCK_TIMEOUT"
    " PERMISSION_DENIED READ_ONLY_VIOLATION SERIALIZATION_FAILURE SYNTAX_ERROR",
    "FILE_ERROR": "FILE_EXISTS FILE_NOT_FOUND FORBIDDEN_PATH",
    "PROCESSING_ERROR": "FORMAT_ERROR",
    "ENCRYPTION_ERROR": "KEY_ERROR",
    "BROKER_ERROR": "AWS_ERROR BROKER_REFUSED KAFKA_ERROR QUEUE_MISSING UNROUTABLE",
    "CACHE_ERROR": "CACHE_REGION_MISSING CACHE_SOURCE_ERROR CACHE_SOURCE_MISSING PATTERN_ERROR",
    "EMAIL_ERROR": "AUTHENTICATION_FAILED DELIVERY_UNKNOWN MESSAGE_REFUSED PARTIALLY_DELIVERED"
    " RECIPIENT_REFUSED SENDER_REFUSED TEMPORARY_FAILURE",
    "SCRIPT_ERROR": "API_ERROR BACKUP_ERROR COMMAND_NOT_FOUND DOCKER_ERROR LIMIT_EXCEEDED NOT_EXECUTABLE"
    " OUT_OF_MEMORY PYTHON_ERROR SETUP_ERROR SIGNALLED",
    "SYSTEM_ERROR": "INTERPRETER_MISSING",
    "EXECUTION_ERROR": "SIMULATION_ERROR",
    "SIMULATION_ERROR": "DUMMY_ERROR RANDOM_ERROR",
    "RESOURCE_ERROR": "MEMORY_ERROR",
}
PARENTS = {name: parent for parent, names in FAMILIES.items() for name in names.split()}

STATUS = re.compile(r"HTTP_([45])\d\d")


def chain(error_class: str) -> list[str]:
    """The error class and its parents, narrowest first: HTTP_503, 5XX, HTTP_ERROR."""
    names = [error_class]
    while True:
        status = STATUS.fullmatch(names[-1])
        parent = f"{status[1]}XX" if status else PARENTS.get(names[-1])
        if parent is None:
            return names
        names.append(parent)
