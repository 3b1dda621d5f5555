"""A report in the words of the API."""

from datetime import datetime
from typing import Any

from embassy.inference.models.usage import hour_of
from embassy.inference.reports.figures import figures
from embassy.inference.reports.names import Directory, directory
from embassy.inference.reports.report import Group, Question, Report
from embassy.platform.actor import Actor


def answer(actor: Actor, question: Question, report: Report) -> dict[str, Any]:
    known = _directory(actor, question, report)
    grouped = report.groups.items() if question.group_by else ()
    return {
        "from": _unix(hour_of(question.since)),
        "to": _unix(question.until),
        "total": figures(report.total),
        "groups": [_named(question, group, known) | figures(total) for group, total in grouped],
    }


def _directory(actor: Actor, question: Question, report: Report) -> Directory:
    def pks(name: str) -> set[int]:
        if name not in question.group_by:
            return set()
        place = list(question.group_by).index(name)
        return {group[place] for group in report.groups} - {None}

    return directory(actor, projects=pks("project"), deployments=pks("deployment"), keys=pks("key"))


def _named(question: Question, group: Group, known: Directory) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, value in zip(question.group_by, group, strict=True):
        match name:
            case "project":
                named["project_id"] = known.projects.get(value)
            case "deployment":
                named["deployment_id"] = known.deployments.get(value)
            case "key":
                named["key"] = known.keys.get(value)
            case "model":
                named["model"] = value
            case _:
                named[name] = _unix(value)
    return named


def _unix(time: datetime) -> int:
    return int(time.timestamp())
