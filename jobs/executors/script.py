"""SCRIPT: run a script on the worker's machine, with nothing of what Chronos knows."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_null import gettext_noop

from jobs.executors.addresses import PathField, inside_folders
from jobs.executors.base import Context, ExecutionError, JobType, Payload, Result
from jobs.executors.fields import NumberField, NumbersField, TextField, TimeoutField, WordField
from jobs.executors.json_fields import EnvironmentField, JsonField, OptionsField
from jobs.executors.payload_form import PayloadForm
from jobs.executors.scripts import exit_codes, interpreters, process_tree, sandbox
from jobs.executors.scripts.output import Output

INTERPRETERS = {"": "By its first line, or bash", **interpreters.CHOICES}
# Where the job does not say.
LIMIT = 1_800
MEMORY_MB, FILE_MB, PROCESSES = 1024, 1024, 256

# What people may have exit codes mean.
CHOSEN_CLASSES = (
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
)


class ErrorClassesField(JsonField):
    """Exit codes and what they mean, as `3=NETWORK_ERROR` lines or a JSON object."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and not value.lstrip().startswith("{"):
            value = dict(_pair(line) for line in value.splitlines() if line.strip())
        found = super().to_python(value)
        for code, name in (found or {}).items():
            if not re.fullmatch(r"[1-9]\d{0,2}", code) or int(code) > 255:
                raise forms.ValidationError(
                    _("%(code)r is no exit code from 1 to 255.") % {"code": code[:20]}
                )
            if name not in CHOSEN_CLASSES:
                raise forms.ValidationError(
                    _("%(name)r is none of %(chosen_classes)s.")
                    % {"name": str(name)[:40], "chosen_classes": ", ".join(CHOSEN_CLASSES)}
                )
        return found

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value.values()):
            return "\n".join(f"{code}={name}" for code, name in value.items())
        return super().prepare_value(value)


def _pair(line: str) -> tuple[str, str]:
    code, equals, name = line.partition("=")
    if not equals:
        raise forms.ValidationError(_("Write an exit code and its class a line, such as 3=NETWORK_ERROR."))
    return code.strip(), name.strip()


class ScriptForm(PayloadForm):
    options: ClassVar[tuple[str, ...]] = (
        "interpreter",
        "working_directory",
        "environment",
        "success_exit_codes",
        "error_classes",
        "memory_mb",
        "cpu_seconds",
        "file_mb",
        "processes",
    )
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        gettext_noop("Exit codes"): ("success_exit_codes", "error_classes"),
        gettext_noop("Limits"): ("memory_mb", "cpu_seconds", "file_mb", "processes"),
    }
    binds: ClassVar[frozenset[str]] = frozenset({"script_content"})

    interpreter = WordField(label=_("Interpreter"), required=False, choices=INTERPRETERS)
    timeout_seconds = TimeoutField(LIMIT)
    success_exit_codes = NumbersField(
        label=_("Exit codes that count as success"),
        required=False,
        least=0,
        most=255,
        help_text=_("For example 0, 3; 0 alone if empty."),
    )
    script_content = TextField(
        label=_("Script"),
        lines=10,
        mono=True,
        strip=False,
        help_text=_("Starts best with a line such as #!/usr/bin/env bash"),
    )
    working_directory = PathField(
        label=_("Working directory"),
        required=False,
        help_text=inside_folders("A folder inside ", "; a private one if empty."),
    )
    environment = EnvironmentField(
        label=_("Environment"),
        required=False,
        help_text=_("One a line, such as LOG_LEVEL=info or TOKEN={{ secret:name }}, or a JSON object."),
    )
    error_classes = ErrorClassesField(
        label=_("What exit codes mean"),
        required=False,
        help_text=_("One a line, such as 3=NETWORK_ERROR, to name in Retry on; SCRIPT_ERROR if empty."),
    )
    memory_mb = NumberField(
        label=_("Memory"),
        required=False,
        least=16,
        most=1_000_000,
        help_text=format_lazy(
            _("Megabytes for all its processes; {memory_mb} if empty."), memory_mb=f"{MEMORY_MB:,}"
        ),
    )
    cpu_seconds = NumberField(
        label=_("Computing time"),
        required=False,
        least=1,
        most=86_400,
        help_text=_("Seconds for each process; no limit but the timeout if empty."),
    )
    file_mb = NumberField(
        label=_("File size"),
        required=False,
        least=1,
        most=10_000_000,
        help_text=format_lazy(
            _("Megabytes that a file may grow to; {file_mb} if empty."), file_mb=f"{FILE_MB:,}"
        ),
    )
    processes = NumberField(
        label=_("Processes"),
        required=False,
        least=1,
        most=10_000,
        help_text=format_lazy(_("At the same time; {processes} if empty."), processes=PROCESSES),
    )
    metadata = OptionsField()

    def clean_environment(self) -> dict[str, str] | None:
        environment: dict[str, str] | None = self.cleaned_data["environment"]
        for name in environment or {}:
            if name.startswith("CHRONOS_"):
                raise forms.ValidationError(
                    _("%(name)s: variables named CHRONOS_… are set by Chronos itself.") % {"name": name}
                )
        return environment

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        script = cleaned.get("script_content")
        if script and "interpreter" not in self.errors:
            try:
                said = interpreters.words(script, cleaned.get("interpreter") or "")
                interpreters.check_placeholders(script, said)
            except ValueError as error:
                self.add_error("script_content", str(error))
        return cleaned


def execute(payload: Payload, context: Context) -> Result:
    """Run the script to its end, or to that of its time, and judge it by its exit code.

    Raises ExecutionError with SCRIPT_DISABLED, SYSTEM_ERROR, INTERPRETER_MISSING, FILE_ERROR, SCRIPT_ERROR or
    one of those within it, or the class that the job has chosen for the exit code.
    """
    if not settings.SCRIPT_ENABLED:
        raise ExecutionError(
            "SCRIPT_DISABLED", "Scripts are switched off here: CHRONOS_SCRIPT_ENABLED allows them."
        )
    try:
        return _run(payload, context)
    except OSError as error:
        raise ExecutionError("SYSTEM_ERROR", f"This machine cannot run the script: {error}.") from error


def _run(payload: Payload, context: Context) -> Result:
    user = sandbox.user()
    if user is None:
        sandbox.keep_to_ourselves()
    with sandbox.private_folder(user, context) as private:
        task = _task(payload, context, private, user)
        output = Output(context)
        with sandbox.supervised(task, context, output) as ended:
            exit_codes.tell(ended, output, context)
            files = sandbox.artefacts(private / "artefacts", context)
    return exit_codes.judge(ended, output, task, payload, files)


def _task(payload: Payload, context: Context, private: Path, user: sandbox.User | None) -> dict[str, Any]:
    """What the supervisor is to do, as it reads it."""
    options = payload.options
    content = payload.script_content or ""
    said = interpreters.words(content, options.get("interpreter") or "")
    script, values = interpreters.bind(content, context.value)
    environment = {
        **sandbox.environment(context, private, user),
        **(options.get("environment") or {}),
        **_facts(context, private),
        **values,
    }
    for name, value in environment.items():
        if "\0" in value:
            raise ExecutionError("PLACEHOLDER_ERROR", f"The value of {name} holds a NUL.")
    interpreter = interpreters.find(said, environment["PATH"])
    if interpreter is None:
        raise ExecutionError("INTERPRETER_MISSING", f"There is no {said[0]} on this worker's machine.")
    file = sandbox.script_file(private, script, user)
    folder = sandbox.working_directory(options.get("working_directory"), private)
    context.log("INFO", f"Running {' '.join(interpreter)} in {folder}" + (f" as {user.name}" if user else ""))
    return {
        "command": [*interpreter, str(file)],
        "environment": environment,
        "folder": folder,
        "private": str(private),
        "user": user and {"name": user.name, "id": user.id, "group": user.group},
        "memory_mb": options.get("memory_mb") or MEMORY_MB,
        "cpu_seconds": options.get("cpu_seconds"),
        "file_mb": options.get("file_mb") or FILE_MB,
        "processes": options.get("processes") or PROCESSES,
    }


def _facts(context: Context, private: Path) -> dict[str, str]:
    given = {
        f"CHRONOS_PARAM_{re.sub(r'[^A-Z0-9]', '_', name.upper())}": value
        for name, value in context.parameters.items()
    }
    return {
        **given,
        "CHRONOS_RUN_ID": context.run_id,
        "CHRONOS_JOB_ID": context.job_id,
        "CHRONOS_JOB_NAME": context.job_name,
        "CHRONOS_ATTEMPT": str(context.attempt),
        "CHRONOS_FIRE_TIME": context.scheduled_time.isoformat(timespec="seconds"),
        "CHRONOS_ARTEFACTS": str(private / "artefacts"),
        process_tree.MARK: context.run_id,
    }


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
        "errorClasses": "error_classes",
        "memoryMb": "memory_mb",
        "cpuSeconds": "cpu_seconds",
        "fileMb": "file_mb",
        "processes": "processes",
        "metadata": "metadata",
    },
    execute=execute,
    ceiling=4,
    limit=LIMIT,
    error_classes=(
        *CHOSEN_CLASSES,
        "COMMAND_NOT_FOUND",
        "NOT_EXECUTABLE",
        "SIGNALLED",
        "OUT_OF_MEMORY",
        "LIMIT_EXCEEDED",
        "INTERPRETER_MISSING",
        "SCRIPT_DISABLED",
        "TIMEOUT",
    ),
)
