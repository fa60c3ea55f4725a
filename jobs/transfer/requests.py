"""Job requests in camelCase, read into definitions.

A request is checked by the forms of the pages, and more strictly in one way: a number is no text, and text
is no number. Nothing is dropped in silence: what is not known is kept among the payload's other options or
refused, and every change of what was said is a warning.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.definition import Definition
from jobs.executors import TYPES
from jobs.executors.base import JobType
from jobs.forms import BasicsForm, RetryForm, ScheduleForm
from jobs.models import Kind, Priority
from jobs.transfer.elsewhere import Translation
from jobs.transfer.json_types import unfit
from jobs.transfer.keys import BASICS, KNOWN, RETRY, SCHEDULE, at, by_field, plain
from jobs.transfer.part import MISSING, Part, Problem, unknown
from jobs.transfer.stars import MASK, starred

_OF_KIND = {Kind.ONCE: "runAt", Kind.CRON: "cronExpression", Kind.INTERVAL: "intervalSeconds"}


@dataclass
class Reading:
    """What one request says: the definition, unless problems stand in its way; and what to know about it."""

    request: Any
    definition: Definition | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    # Whether it is refused to this person, whatever it says.
    is_denied: bool = False

    @property
    def name(self) -> str:
        """What the request calls the job, as far as one can tell."""
        name = self.request.get("name") if isinstance(self.request, dict) else None
        return name.strip() if isinstance(name, str) else ""

    def refuse(self, path: str, reason: str) -> None:
        self.problems.append(Problem(path, reason))


def read(request: Any) -> Reading:
    """Check one request; every problem that can be found is told."""
    reading = Reading(request)
    if not isinstance(request, dict):
        reading.refuse("", "This is no job request: write an object with name, type, schedule and payload.")
        return reading
    for path, reason in unfit(request):
        reading.refuse(path, reason)
    if not reading.problems:
        _read(reading)
    return reading


def _read(reading: Reading) -> None:
    _check_keys(reading)
    basics = _basics(reading)
    schedule = _part(reading, "schedule", lambda said: Part(ScheduleForm, said, SCHEDULE, "schedule"))
    retry = _part(
        reading, "retryPolicy", lambda said: Part(RetryForm, said, RETRY, "retryPolicy"), needed=False
    )
    payload = _part(reading, "payload", lambda said: _payload(reading, said))
    if reading.problems or basics is None or schedule is None or payload is None:
        return
    _warn_of_unused(reading, schedule)
    safe = reading.request.get("safeToRepeat")
    reading.definition = {
        **basics.definition(),
        **({} if safe is None else {"safe_to_repeat": safe}),
        "schedule": schedule.definition(),
        "payload": payload.columns(),
        **({"retry": retry.definition()} if retry else {}),
    }
    _warn_of_unknown_errors(reading, reading.definition)
    _refuse_stars(reading, reading.definition)


def _check_keys(reading: Reading) -> None:
    known = {plain(key) for key in KNOWN}
    for key in reading.request:
        if key not in KNOWN and plain(key) in known:
            reading.refuse(key, unknown(key, KNOWN))
    if not isinstance(reading.request.get("safeToRepeat"), bool | None):
        reading.refuse("safeToRepeat", "This must be true or false.")


def _basics(reading: Reading) -> Any:
    said = {key: reading.request[key] for key in BASICS if key in reading.request}
    if said.get("priority") == "CRITICAL":
        # The highest elsewhere; the schema knows three.
        said["priority"] = Priority.HIGH.value
        reading.warnings.append("Priority CRITICAL becomes HIGH.")
    return _checked(reading, Part(BasicsForm, said, BASICS, ""))


def _part(reading: Reading, key: str, build: Any, *, needed: bool = True) -> Any:
    """The checked form over one part of the request; None when the part is not there."""
    said = reading.request.get(key)
    if isinstance(said, dict):
        part = build(said)
        return part and _checked(reading, part)
    if said is not None:
        reading.refuse(key, "This must be an object.")
    elif needed:
        reading.refuse(key, MISSING)
    return None


def _checked(reading: Reading, part: Part) -> Any:
    reading.problems += part.problems
    return part.form


def _payload(reading: Reading, said: dict[str, Any]) -> Part | None:
    code, told = reading.request.get("type"), said.get("type")
    if told is not None and told != code:
        reading.refuse("payload.type", f"The payload is of type {told!a:.40}, its job of type {code!a:.40}.")
    job_type = TYPES.get(code) if isinstance(code, str) else None
    if job_type is None:
        return None
    translation = Translation(job_type)
    given = translation.of({key: value for key, value in said.items() if key != "type"})
    reading.warnings += translation.changes
    return Part(job_type.form, _with_strays(reading, given, job_type), job_type.aliases, "payload")


def _with_strays(reading: Reading, given: dict[str, Any], job_type: JobType) -> dict[str, Any]:
    """The payload with what nobody knows, in it and beside it, among its other options."""
    strays = dict(_strays(reading.request, given, job_type))
    others = given.get("metadata") or {}
    if not strays or not isinstance(others, dict):
        return given
    kept = dict(others)
    for path, (key, value) in strays.items():
        if key in kept:
            reading.refuse(path, f"This stands twice: {key[:60]!a} is among the payload's other options too.")
        kept[key] = value
    reading.warnings += _kept(strays)
    known = {key: value for key, value in given.items() if key in job_type.aliases}
    return {**known, "metadata": kept}


# What a crontab says and no job does.
_OF_CRON = {
    "cronMailTo": "cron mailed what it wrote to {}: an alert rule can tell them when it fails.",
    "cronUser": "cron ran it as {}: here every script runs as the one user that is set up for scripts.",
}


def _kept(strays: Mapping[str, tuple[str, Any]]) -> Iterator[str]:
    """What to know of what is kept without being understood."""
    for key, value in strays.values():
        if key in _OF_CRON:
            yield _OF_CRON[key].format(str(value)[:100])
    if others := [path for path, (key, _) in strays.items() if key not in _OF_CRON]:
        yield f"Not known, kept in the payload's metadata: {', '.join(others)}."


def _strays(
    request: Mapping[str, Any], given: Mapping[str, Any], job_type: JobType
) -> Iterator[tuple[str, tuple[str, Any]]]:
    for key, value in request.items():
        if plain(key) not in map(plain, KNOWN):
            yield key, (key, value)
    for key, value in given.items():
        if key not in job_type.aliases:
            yield at("payload", key), (key, value)


def _warn_of_unused(reading: Reading, schedule: ScheduleForm) -> None:
    kind = schedule.cleaned_data["schedule_type"]
    said = reading.request["schedule"]
    unused = [key for key in _OF_KIND.values() if key != _OF_KIND[kind] and said.get(key) is not None]
    if unused:
        names = ", ".join(at("schedule", key) for key in unused)
        reading.warnings.append(f"Left out, because a schedule of type {kind} has no use for it: {names}.")


def _warn_of_unknown_errors(reading: Reading, definition: Definition) -> None:
    job_type = TYPES[definition["type"]]
    listed = definition.get("retry", {}).get("retry_on", [])
    strange = [name for name in listed if not job_type.may_fail_with(name)]
    if strange:
        reading.warnings.append(
            f"Kept in retryPolicy.retryOn, but no {job_type.label} run fails with it: {', '.join(strange)}."
        )


def _refuse_stars(reading: Reading, definition: Definition) -> None:
    keys = by_field(TYPES[definition["type"]].aliases)
    for column, inside in starred(definition["payload"]):
        reading.refuse(
            at("payload", keys.get(column, column)) + inside,
            f"A secret is masked here as {MASK}: write it out, or export with --with-secrets.",
        )
