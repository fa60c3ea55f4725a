"""FILE_SYSTEM: copy, move, delete, compress, process, read, write and list files."""

from typing import Any, ClassVar

from jobs.executors.addresses import PathField
from jobs.executors.base import JobType, PayloadForm
from jobs.executors.fields import FlagField, JsonField, NumberField, TextField, TextListField, WordField

OPERATIONS = ("COPY", "MOVE", "DELETE", "COMPRESS", "PROCESS", "READ", "WRITE", "LIST")
WITH_TARGET = ("COPY", "MOVE", "COMPRESS")


class FileSystemForm(PayloadForm):
    """The options keep the names that import requests give them inside `parameters`."""

    options: ClassVar[tuple[str, ...]] = (
        "recursive",
        "pattern",
        "excludePatterns",
        "olderThanDays",
        "keepLatest",
        "includeHidden",
        "dryRun",
        "preserveAttributes",
        "compressionType",
        "compressionLevel",
        "processingType",
    )
    options_column: ClassVar[str] = "parameters"

    file_operation = WordField(
        label="Operation", choices={each: each.capitalize() for each in OPERATIONS}, initial="COPY"
    )
    file_path = PathField(label="Path", help_text="A file or a folder, for example /srv/exports/orders.csv")
    target_path = PathField(
        label="Target",
        required=False,
        help_text="For copy, move and compress, for example /srv/archive/orders",
    )
    file_content = TextField(
        label="Content", required=False, lines=6, mono=True, strip=False, help_text="For write."
    )
    create_directories = FlagField(label="Create missing folders")
    overwrite = FlagField(label="Overwrite what exists")
    recursive = FlagField(label="Folders inside too")
    includeHidden = FlagField(label="Hidden files too")
    preserveAttributes = FlagField(label="Keep times and permissions")
    dryRun = FlagField(label="Only say what would happen", help_text="Nothing is changed.")
    pattern = TextField(
        label="Only names like", required=False, mono=True, help_text="For example *.csv or *.pdf,*.xlsx"
    )
    olderThanDays = NumberField(label="Older than", required=False, least=0, most=36_500, help_text="Days.")
    keepLatest = NumberField(
        label="Keep the latest",
        required=False,
        least=0,
        most=1_000_000,
        help_text="Files that are never deleted.",
    )
    excludePatterns = TextListField(
        label="Never names like", lines=2, required=False, help_text="One a line, for example *.lock"
    )
    compressionType = TextField(label="Compression", required=False, help_text="For example zip or gzip.")
    compressionLevel = NumberField(
        label="Compression level", required=False, least=0, most=9, help_text="0 is fast, 9 is small."
    )
    processingType = TextField(label="Processing", required=False, help_text="For example csv_transform.")
    parameters = JsonField(label="Other options", required=False, help_text='For example {"syncMode": true}')
    metadata = JsonField(label="Notes", lines=2, required=False, help_text="Kept with the job as JSON.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        operation, path, target = (
            cleaned.get(name) for name in ("file_operation", "file_path", "target_path")
        )
        if operation in WITH_TARGET and not target and "target_path" not in self.errors:
            self.add_error("target_path", f"Say where to {operation.lower()} it to.")
        if target and target.rstrip("/") == (path or "").rstrip("/"):
            self.add_error("target_path", "The target is the path itself.")
        if operation == "WRITE" and not cleaned.get("file_content") and "file_content" not in self.errors:
            self.add_error("file_content", "Say what to write.")
        return cleaned


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
    ceiling=8,
    limit=600,
    error_classes=(
        "FILE_ERROR",
        "IO_ERROR",
        "PERMISSION_ERROR",
        "DISK_SPACE_ERROR",
        "PROCESSING_ERROR",
        "COMPRESSION_ERROR",
        "ENCRYPTION_ERROR",
        "FORMAT_ERROR",
        "VALIDATION_ERROR",
        "CHECKSUM_ERROR",
        "SYNC_ERROR",
        "MONITORING_ERROR",
        "KEY_ERROR",
        "NETWORK_ERROR",
        "TIMEOUT",
    ),
)
