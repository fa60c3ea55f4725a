"""FILE_SYSTEM: copy, move, delete, compress, process, read, write and list files."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_null import gettext_noop

from jobs.executors.addresses import PathField, inside_folders
from jobs.executors.base import Context, ExecutionError, JobType, Payload, Result
from jobs.executors.fields import FlagField, NumberField, TextField, WordField
from jobs.executors.files import archive, options, processing, reading, roots, telling, transfer
from jobs.executors.files.options import ProcessingField, SizeField
from jobs.executors.files.work import Perform, Plan, Tally, Work, failure
from jobs.executors.json_fields import JsonField, TextListField
from jobs.executors.payload_form import PayloadForm

OPERATIONS = ("COPY", "MOVE", "DELETE", "COMPRESS", "PROCESS", "READ", "WRITE", "LIST")
WITH_TARGET = ("COPY", "MOVE", "COMPRESS")


class FileSystemForm(PayloadForm):
    """The options keep the names that import requests give them inside `parameters`."""

    options: ClassVar[tuple[str, ...]] = (
        "recursive",
        "pattern",
        "excludePatterns",
        "olderThanDays",
        "minFileAge",
        "maxFileSize",
        "keepLatest",
        "includeHidden",
        "dryRun",
        "generateReport",
        "preservePath",
        "preserveAttributes",
        "backupExisting",
        "syncMode",
        "deleteExtra",
        "compressionType",
        "compressionLevel",
        "processingType",
        "key",
        "deleteOriginal",
        "quarantineInvalid",
    )
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        gettext_noop("Which files"): (
            "pattern",
            "excludePatterns",
            "recursive",
            "includeHidden",
            "olderThanDays",
            "minFileAge",
            "maxFileSize",
            "keepLatest",
        ),
        gettext_noop("What happens to them"): (
            "create_directories",
            "overwrite",
            "backupExisting",
            "preservePath",
            "preserveAttributes",
            "syncMode",
            "deleteExtra",
            "deleteOriginal",
        ),
        gettext_noop("Compress and process"): (
            "compressionType",
            "compressionLevel",
            "processingType",
            "quarantineInvalid",
            "key",
        ),
        gettext_noop("Content to write"): ("file_content",),
        gettext_noop("Notes"): ("metadata",),
    }
    options_column: ClassVar[str] = "parameters"

    file_operation = WordField(
        label=_("Operation"), choices={each: each.capitalize() for each in OPERATIONS}, initial="COPY"
    )
    file_path = PathField(label=_("Path"), help_text=inside_folders("A file or a folder inside "))
    target_path = PathField(
        label=_("Target"),
        required=False,
        help_text=_(
            "For copy, move, compress and process, inside the same folders. One that ends with / is a"
            " folder, which gets the files."
        ),
    )
    file_content = TextField(
        label=_("Content"), required=False, lines=6, mono=True, strip=False, help_text=_("For write.")
    )
    pattern = TextField(
        label=_("Only names like"),
        required=False,
        mono=True,
        help_text=_("For example *.csv or *.pdf,*.xlsx"),
    )
    excludePatterns = TextListField(
        label=_("Never names like"), lines=2, required=False, help_text=_("One a line, for example *.lock")
    )
    olderThanDays = NumberField(
        label=_("Older than"),
        required=False,
        least=0,
        most=36_500,
        help_text=_("Days since the last change."),
    )
    minFileAge = NumberField(
        label=_("Unchanged for"),
        required=False,
        least=0,
        most=86_400 * 365,
        help_text=_("Seconds; leaves files alone that are still being written."),
    )
    maxFileSize = SizeField(
        label=_("No larger than"), required=False, max_length=20, help_text=_("For example 100MB.")
    )
    keepLatest = NumberField(
        label=_("Keep the latest"),
        required=False,
        least=0,
        most=1_000_000,
        help_text=_("So many of the newest files are left alone."),
    )
    recursive = FlagField(label=_("Folders inside too"))
    includeHidden = FlagField(label=_("Hidden files too"), help_text=_("Those whose names begin with a dot."))
    create_directories = FlagField(label=_("Create missing folders"))
    overwrite = FlagField(label=_("Overwrite what exists"))
    backupExisting = FlagField(
        label=_("Keep what is overwritten"), help_text=_("Beside it, as .bak with the time.")
    )
    dryRun = FlagField(label=_("Only say what would happen"), help_text=_("Nothing is changed."))
    generateReport = FlagField(label=_("List every file"), help_text=_("As a CSV to download."))
    preservePath = FlagField(
        label=_("Keep the folders"), default=True, help_text=_("Otherwise all files go to one folder.")
    )
    preserveAttributes = FlagField(
        label=_("Keep times and permissions"), help_text=_("For copy and process.")
    )
    syncMode = FlagField(label=_("Only what has changed"), help_text=_("For copy, with the folders inside."))
    deleteExtra = FlagField(
        label=_("Delete what the source lacks"),
        help_text=_("From the target; goes with “Only what has changed”."),
    )
    deleteOriginal = FlagField(label=_("Delete the originals"), help_text=_("After compress or process."))
    compressionType = WordField(
        label=_("Compression"),
        required=False,
        choices={"": "–"} | {each: each for each in archive.TYPES},
        help_text=_("By the target's ending if empty."),
    )
    compressionLevel = NumberField(
        label=_("Compression level"),
        required=False,
        least=0,
        most=9,
        help_text=_("0 is fast, 9 is small; 6 if empty."),
    )
    processingType = ProcessingField(
        label=_("Processing"),
        required=False,
        choices={"": "–"} | {each: each.replace("_", " ").capitalize() for each in processing.TYPES},
        help_text=_("For process; without one, files are taken to the target."),
    )
    key = TextField(
        label=_("Key"),
        required=False,
        mono=True,
        max_length=1024,
        help_text=_("To encrypt and decrypt, for example {{ secret:archive-key }}"),
    )
    quarantineInvalid = FlagField(
        label=_("Put aside what is invalid"),
        help_text=_("Too large, or not of the format; in the folder quarantine."),
    )
    parameters = JsonField(
        label=_("Other options"), required=False, help_text=_('For example {"columns": ["id", "total"]}')
    )
    metadata = JsonField(label=_("Notes"), lines=2, required=False, help_text=_("Kept with the job as JSON."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._check_places(cleaned)
        self._check_options(cleaned)
        return cleaned

    def _check_places(self, cleaned: dict[str, Any]) -> None:
        operation, path, target = (
            cleaned.get(name) for name in ("file_operation", "file_path", "target_path")
        )
        if operation in WITH_TARGET and not target and "target_path" not in self.errors:
            self.add_error(
                "target_path", _("Say where to %(operation)s it to.") % {"operation": operation.lower()}
            )
        if target and path and roots.plain(f"{target}/") == roots.plain(f"{path}/"):
            self.add_error("target_path", _("The target is the path itself."))
        if operation == "WRITE" and not cleaned.get("file_content") and "file_content" not in self.errors:
            self.add_error("file_content", _("Say what to write."))
        if cleaned.get("deleteExtra") and target and path:
            self._check_deletion_of_extra(cleaned, path, target)

    def _check_deletion_of_extra(self, cleaned: dict[str, Any], path: str, target: str) -> None:
        if not cleaned.get("syncMode"):
            self.add_error("deleteExtra", _("This goes with “Only what has changed” alone."))
        elif cleaned.get("preservePath") is False:
            self.add_error(
                "deleteExtra", _("This needs the folders to be kept: files are told by their paths.")
            )
        elif transfer.is_inside(path, target) or transfer.is_inside(target, path):
            self.add_error(
                "deleteExtra", _("Path and target lie within each other: this would delete the source.")
            )

    def _check_options(self, cleaned: dict[str, Any]) -> None:
        """Refuse what nobody knows, what is wrong, and what means nothing to the operation."""
        said = cleaned.get("parameters") or {}
        for name, value in said.items():
            if name not in options.OTHERS:
                self.add_error("parameters", _("There is no option %(name)r.") % {"name": name[:60]})
            elif sentence := options.mistake(name, value):
                self.add_error(
                    "parameters", _("%(name)s: %(sentence)s") % {"name": name, "sentence": sentence}
                )
        for name in options.OTHERS.keys() & (cleaned.get("metadata") or {}).keys():
            self.add_error(
                "metadata", _("%(name)s is an option: write it inside parameters.") % {"name": name}
            )
        self._check_operation(cleaned, said)

    def _check_operation(self, cleaned: dict[str, Any], said: dict[str, Any]) -> None:
        operation, kind = cleaned.get("file_operation"), cleaned.get("processingType") or ""
        if not operation or "processingType" in self.errors:
            return
        for name in self.options:
            value = cleaned.get(name)
            if value is not None and value != [] and not self._is_unsaid(name, value):
                self._refuse_misplaced(name, name, operation, kind)
        for name in options.OTHERS.keys() & {name for name in said if said[name] not in (None, False)}:
            self._refuse_misplaced(name, "parameters", operation, kind)
        if kind == "format_conversion" and not said.get("outputFormat"):
            self.add_error(
                "processingType",
                _("Say in other options what to convert to: outputFormat is csv, json or jsonl."),
            )
        # Requests for other systems name a variable instead; the run says what becomes of it.
        if kind in processing.WITH_KEY and not cleaned.get("key") and not said.get("keyVariable"):
            self._ask_for_key()

    def _ask_for_key(self) -> None:
        if "key" not in self.errors:
            self.add_error("key", _("Give the key, best as a secret: {{ secret:archive-key }}."))

    def _refuse_misplaced(self, name: str, field: str, operation: str, kind: str) -> None:
        if sentence := options.misplaced(name, operation, kind):
            self.add_error(field, sentence)


PLANNED: dict[str, tuple[Callable[[Work], Plan], Perform]] = {
    "COPY": (transfer.plan_transfer, transfer.perform),
    "MOVE": (transfer.plan_transfer, transfer.perform),
    "DELETE": (transfer.plan_delete, transfer.perform),
    "COMPRESS": (archive.plan, archive.perform),
    "PROCESS": (processing.plan, processing.perform),
    "WRITE": (reading.plan_writing, reading.perform_writing),
}
_FOR_SHELLS = re.compile(r"\$[({]|`")


def execute(payload: Payload, context: Context) -> Result:
    """Do to the files what the operation says, or only tell it.

    Raises ExecutionError with the classes that `TYPE` lists.
    """
    work = _work(payload, context)
    if work.options["dryRun"]:
        context.log("INFO", "A dry run: nothing is changed.")
    try:
        if work.operation == "READ":
            return reading.read(work)
        if work.operation == "LIST":
            return reading.listed(work)
        plan, perform = PLANNED[work.operation]
        return _carry_out(work, plan(work), perform)
    except (OSError, roots.Outside) as error:
        raise failure(error) from error


def _work(payload: Payload, context: Context) -> Work:
    fields = {name: FileSystemForm.base_fields[name] for name in FileSystemForm.options}
    path, target = (roots.plain(said) if said else "" for said in (payload.file_path, payload.target_path))
    written = path if payload.file_operation == "WRITE" else target
    if _FOR_SHELLS.search(written):
        raise ExecutionError(
            "VALIDATION_ERROR",
            f"{roots.shown(written)} is meant for a shell, and none reads it. Write {{{{ fire.date }}}}.",
        )
    return Work(
        operation=payload.file_operation,
        path=path if payload.file_operation == "WRITE" else path.rstrip("/") or "/",
        target=target,
        content=payload.file_content or "",
        create_folders=bool(payload.create_directories),
        overwrite=bool(payload.overwrite),
        options=options.read(fields, payload.parameters or {}),
        context=context,
        now=time.time(),
    )


def _carry_out(work: Work, plan: Plan, perform: Perform) -> Result:
    dry = work.options["dryRun"]
    tally = Tally(work.context, "Would " if dry else "")
    try:
        tally.take(((step, "") for step in plan.steps) if dry else perform(work, plan.steps))
    except (OSError, roots.Outside) as error:
        raise telling.failed(failure(error), work, plan, tally) from error
    except ExecutionError as error:
        raise telling.failed(error, work, plan, tally) from error
    return telling.result(work, plan, tally)


TYPE = JobType(
    code="FILE_SYSTEM",
    label="File system",
    hint="Copy, move, archive, clean",
    icon="ty-file",
    form=FileSystemForm,
    aliases={
        "operation": "file_operation",
        "fileOperation": "file_operation",
        "path": "file_path",
        "filePath": "file_path",
        "sourcePath": "file_path",
        "targetPath": "target_path",
        "destinationPath": "target_path",
        "content": "file_content",
        "fileContent": "file_content",
        "createDirectories": "create_directories",
        "overwrite": "overwrite",
        "overwriteExisting": "overwrite",
        **{name: name for name in FileSystemForm.options},
        "parameters": "parameters",
        "metadata": "metadata",
    },
    execute=execute,
    ceiling=8,
    limit=600,
    repeatable=lambda payload: getattr(payload, "file_operation", None) in ("READ", "LIST"),
    remembers=True,
    error_classes=(
        "FILE_ERROR",
        "FILE_NOT_FOUND",
        "FILE_EXISTS",
        "FORBIDDEN_PATH",
        "IO_ERROR",
        "PERMISSION_ERROR",
        "DISK_SPACE_ERROR",
        "PROCESSING_ERROR",
        "COMPRESSION_ERROR",
        "ENCRYPTION_ERROR",
        "KEY_ERROR",
        "FORMAT_ERROR",
        "VALIDATION_ERROR",
        "CHECKSUM_ERROR",
        "SYNC_ERROR",
        "MONITORING_ERROR",
        "NETWORK_ERROR",
        "TIMEOUT",
    ),
)
