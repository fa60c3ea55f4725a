"""SCRIPT: run a script on the worker's machine."""

from typing import ClassVar

from jobs.executors.addresses import PathField
from jobs.executors.base import JobType, PayloadForm
from jobs.executors.fields import EnvironmentField, JsonField, NumberField, NumbersField, TextField, WordField

INTERPRETERS = {"": "As its first line says, else sh", "BASH": "bash", "SH": "sh", "PYTHON3": "python3"}


class ScriptForm(PayloadForm):
    options: ClassVar[tuple[str, ...]] = (
        "interpreter",
        "working_directory",
        "environment",
        "success_exit_codes",
    )

    interpreter = WordField(label="Interpreter", required=False, choices=INTERPRETERS)
    timeout_seconds = NumberField(
        label="Timeout",
        required=False,
        least=1,
        most=86_400,
        help_text="Seconds for the whole run; 1800 if empty.",
    )
    success_exit_codes = NumbersField(
        label="Exit codes that count as success",
        required=False,
        least=0,
        most=255,
        help_text="For example 0, 3; 0 alone if empty.",
    )
    script_content = TextField(
        label="Script",
        lines=10,
        mono=True,
        strip=False,
        help_text="Starts best with a line such as #!/usr/bin/env bash",
    )
    working_directory = PathField(
        label="Working directory",
        required=False,
        help_text="For example /srv/jobs/media; a private one if empty.",
    )
    environment = EnvironmentField(
        label="Environment", required=False, help_text="One a line, such as LOG_LEVEL=info, or a JSON object."
    )
    metadata = JsonField(label="Other options", required=False)


TYPE = JobType(
    code="SCRIPT",
    label="Script",
    hint="Run a shell script",
    icon="ty-script",
    form=ScriptForm,
    aliases={
        "script": "script_content",
        "scriptContent": "script_content",
        "timeoutSeconds": "timeout_seconds",
        "interpreter": "interpreter",
        "workingDirectory": "working_directory",
        "environment": "environment",
        "successExitCodes": "success_exit_codes",
        "metadata": "metadata",
    },
    ceiling=4,
    limit=1800,
    error_classes=(
        "SCRIPT_ERROR",
        "SYSTEM_ERROR",
        "PYTHON_ERROR",
        "BACKUP_ERROR",
        "STORAGE_ERROR",
        "DOCKER_ERROR",
        "API_ERROR",
        "SETUP_ERROR",
        "FILE_ERROR",
        "NETWORK_ERROR",
        "TIMEOUT",
    ),
)
