import pytest
from django.test import Client

from embassy.datasets.models import Dataset
from embassy.deployments.models import Deployment
from embassy.inference.models import RequestLog
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import make_deployment
from tests.factories.request_logs import make_log


@pytest.fixture
def deployment(project: Project, actor: Actor) -> Deployment:
    return make_deployment(project, actor=actor, name="tickets")


@pytest.fixture
def address(home: str, deployment: Deployment) -> str:
    return f"{home}/deployments/{deployment.public_id}"


def text(browser: Client, address: str) -> str:
    answer = browser.get(address, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_loads_them(member: Client, address: str) -> None:
    assert f'hx-get="{address}/logs"' in member.get(f"{address}/requests").content.decode()
    assert "Inputs and outputs are not kept." in text(member, f"{address}/logs")


def test_turned_on_and_off(member: Client, address: str, deployment: Deployment) -> None:
    assert member.post(f"{address}/logging", {"log_requests": "on", "days": "7"}).status_code == 302
    deployment.refresh_from_db()
    assert (deployment.log_requests, deployment.log_days) == (True, 7)
    assert "Kept for 7 days" in text(member, f"{address}/logs")

    member.post(f"{address}/logging", {"days": "7"})
    deployment.refresh_from_db()
    assert not deployment.log_requests
    for days in ("", "0", "366", "x", "²"):
        assert member.post(f"{address}/logging", {"days": days}).status_code == 400


def test_shows_finds_and_pages(member: Client, address: str, deployment: Deployment) -> None:
    for number in range(25):
        make_log(deployment, f"question {number:02}", "<b>answer</b>")
    make_log(deployment, "wrong", status=400, response={"error": "No."}, output="No.")

    first = text(member, f"{address}/logs")
    assert "question 24" in first
    assert "question 05" not in first
    assert "&lt;b&gt;answer&lt;/b&gt;" in first
    last = RequestLog.objects.get(input="question 06")
    assert f"before={last.public_id}" in first
    older = text(member, f"{address}/logs?before={last.public_id}&status=&q=")
    assert "question 05" in older
    assert "card-header" not in older
    assert "question" not in text(member, f"{address}/logs?status=error")
    assert "question 07" in text(member, f"{address}/logs?q=question+07")
    assert "No log is like that." in text(member, f"{address}/logs?q=nobody+said+this")
    assert member.get(f"{address}/logs?status=odd").status_code == 400


def test_one_entry(member: Client, address: str, deployment: Deployment) -> None:
    log = make_log(deployment, "Where?", "Here.", first_token_milliseconds=3.0)

    shown = text(member, f"{address}/logs/{log.public_id}")

    assert "&quot;content&quot;: &quot;Where?&quot;" in shown
    assert "&quot;content&quot;: &quot;Here.&quot;" in shown
    assert "first token after 3 ms" in shown
    assert member.get(f"{address}/logs/log-nope").status_code == 404


def test_makes_a_data_set(member: Client, address: str, deployment: Deployment, home: str) -> None:
    for answer in ("old", "new"):
        make_log(deployment, "same", answer)
    form = {"name": "mine", "only_successful": "on", "deduplicate": "on"}

    answer = member.post(f"{address}/logs/dataset", form)

    dataset = Dataset.objects.get()
    assert answer.headers["Location"] == f"{home}/datasets/{dataset.public_id}"
    assert (dataset.name, dataset.row_count) == ("mine", 1)
    assert "has 1 row of them; 1 log left out" in member.get(answer.headers["Location"]).content.decode()
    assert member.post(f"{address}/logs/dataset", {"name": " "}).status_code == 400


def test_deletes_all(member: Client, address: str, deployment: Deployment) -> None:
    make_log(deployment)

    member.post(f"{address}/logs/delete")

    assert not RequestLog.objects.exists()
    assert "1 log deleted." in member.get(address).content.decode()


def test_who_may(viewer: Client, outsider: Client, address: str, deployment: Deployment) -> None:
    log = make_log(deployment)
    assert "Make a data set" not in text(viewer, f"{address}/logs")
    for part in ("logs", f"logs/{log.public_id}"):
        assert viewer.get(f"{address}/{part}").status_code == 200
        assert outsider.get(f"{address}/{part}").status_code == 404
    for part in ("logging", "logs/dataset", "logs/delete"):
        assert viewer.post(f"{address}/{part}", {"name": "x", "days": "3"}).status_code == 403
        assert outsider.post(f"{address}/{part}", {"name": "x", "days": "3"}).status_code == 404
        # The address of one log takes no deletion, and these no reading.
        assert viewer.post(f"{address}/logs").status_code == 403
    assert RequestLog.objects.count() == 1
    assert not Dataset.objects.exists()
