"""`make demo`: train on a sample data set, compare with the base model, deploy the best checkpoint, ask it.

Everything goes through the public HTTP API. Ctrl-C stops the platform; `make up` starts it again.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from scripts.demo import platform, show
from scripts.demo.client import ApiError, Client

SAMPLES = platform.ROOT / "samples" / "support-tickets"
BASE_MODEL = "tiny-llama-instruct"
METRIC = "exact_match_shared"
PARAMETERS = {
    "learning_rate": 0.003,
    "num_train_epochs": 4,
    "per_device_train_batch_size": 16,
    "lora_r": 32,
    "lora_alpha": 64,
}
FINAL = {"Success", "Failed", "TimedOut", "Cancelled"}


def main() -> int:
    arguments = parse()
    began = time.monotonic()
    show.step("Starting the platform")
    running = platform.start(arguments.launcher)
    client = Client(running.url, running.key)
    try:
        result = tell_the_story(client)
    except ApiError as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        running.stop()
        return 1
    result["seconds"] = round(time.monotonic() - began, 1)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))
    farewell(running, result)
    return finish(running, stop=arguments.stop)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--stop", action="store_true", help="stop the platform at the end")
    parser.add_argument("--json", type=Path, help="write the scores and times to this file")
    parser.add_argument("launcher", nargs="*", help="arguments for the launcher, after --")
    return parser.parse_args()


def tell_the_story(client: Client) -> dict[str, Any]:
    project = client.post("/v1/projects", {"name": "demo"})
    train, heldout = upload_samples(client, project["id"])
    job = train_model(client, project["id"], train, heldout)
    best = compare(client, project["id"], job)
    deployment = deploy(client, project["id"], job, best["checkpoint"])
    ask_both(client, deployment)
    return {"project": project["id"], "job": job["id"], "deployment": deployment, **best}


def upload_samples(client: Client, project: str) -> tuple[str, str]:
    show.step("Uploading support tickets: the model shall say which team a ticket belongs to")
    datasets = []
    for name in ("train", "heldout"):
        file = SAMPLES / f"{name}.jsonl"
        dataset = client.upload(f"/v1/projects/{project}/datasets", file, name=f"tickets-{name}")
        show.note(f"{file.name}: {sum(1 for _ in file.open())} rows → {dataset['id']}")
        datasets.append(dataset["id"])
    return datasets[0], datasets[1]


def train_model(client: Client, project: str, train: str, heldout: str) -> dict[str, Any]:
    show.step(f"Fine-tuning {BASE_MODEL} (LoRA), then testing each checkpoint on the held-out rows")
    body = {
        "base_model": BASE_MODEL,
        "train_dataset_id": train,
        "test_dataset_id": heldout,
        "test_functions": [METRIC, "test_similarity_shared"],
        "name": f"ticket-routing-{int(time.time())}",
        "parameters": PARAMETERS,
    }
    job: dict[str, Any] = client.post(f"/v1/projects/{project}/training-jobs", body)
    progress = show.Progress()
    while job["status"] not in FINAL:
        time.sleep(0.3)
        job = client.get(f"/v1/projects/{project}/training-jobs/{job['id']}")
        progress.update(job)
    progress.done()
    if job["status"] != "Success":
        raise ApiError(f"the training job ended as {job['status']}: {job.get('status_reason', '')}")
    return job


def compare(client: Client, project: str, job: dict[str, Any]) -> dict[str, Any]:
    """Show the scores of the base model and of each checkpoint; the best checkpoint's are returned."""
    show.step("Scores on rows that were not trained on")
    results = client.get(f"/v1/projects/{project}/training-jobs/{job['id']}/results")
    rows = [
        ["base model" if r["checkpoint"] == 0 else f"checkpoint {r['checkpoint']}", *r["scores"].values()]
        for r in results
    ]
    show.table(["", *results[0]["scores"]], rows)
    scores = {r["checkpoint"]: float(r["scores"][METRIC]) for r in results}
    checkpoint = max((number for number in scores if number), key=lambda number: (scores[number], number))
    return {"checkpoint": checkpoint, "base_score": scores[0], "tuned_score": scores[checkpoint]}


def deploy(client: Client, project: str, job: dict[str, Any], checkpoint: int) -> dict[str, Any]:
    show.step(f"Deploying checkpoint {checkpoint}")
    began = time.monotonic()
    body = {"training_job_id": job["id"], "checkpoint": checkpoint, "name": job["name"]}
    deployment: dict[str, Any] = client.post(f"/v1/projects/{project}/deployments", body)
    while deployment["status"] in ("Pending", "Deploying"):
        time.sleep(0.05)
        deployment = client.get(f"/v1/projects/{project}/deployments/{deployment['id']}")
    if deployment["status"] != "Deployed":
        raise ApiError(f"the deployment ended as {deployment['status']}")
    show.note(f"{deployment['name']} ({deployment['id']}) answers after {time.monotonic() - began:.1f} s")
    return {"id": deployment["id"], "name": deployment["name"]}


def ask_both(client: Client, deployment: dict[str, Any]) -> None:
    show.step("The same questions to both")
    tickets = [json.loads(line) for line in (SAMPLES / "heldout.jsonl").open()][:4]
    rows = [
        [
            show.shorten(ticket["prompt"], 58),
            show.shorten(ask(client, BASE_MODEL, ticket["prompt"]), 24),
            show.shorten(ask(client, deployment["name"], ticket["prompt"]), 14),
            ticket["completion"],
        ]
        for ticket in tickets
    ]
    show.table(["ticket", "base model says", "tuned says", "right answer"], rows)


def ask(client: Client, model: str, ticket: str) -> str:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": ticket}],
        "temperature": 0,
        "max_tokens": 24,
    }
    answer = client.post("/v1/chat/completions", body)
    return str(answer["choices"][0]["message"]["content"])


def farewell(running: platform.Platform, result: dict[str, Any]) -> None:
    ticket = json.loads((SAMPLES / "heldout.jsonl").open().readline())["prompt"]
    body = json.dumps({"model": result["deployment"]["name"], "prompt": ticket, "temperature": 0})
    before, after = result["base_score"], result["tuned_score"]
    show.step(f"Held-out exact match: {before:.2f} before, {after:.2f} after, in {result['seconds']:.0f} s")
    print(f"\n  curl {running.url}/v1/completions -H 'X-API-Key: {running.key}' \\")
    print(f"       -H 'Content-Type: application/json' -d {shell_quote(body)}\n")
    print(f"  Console        {running.url}/console/   sign in with {running.sign_in}")
    print(f"  API reference  {running.url}/docs")
    print(f"  API key        {running.key}\n", flush=True)


def shell_quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def finish(running: platform.Platform, *, stop: bool) -> int:
    if stop:
        running.stop()
    elif running.launcher is not None:
        print(
            "  The platform stays up. Ctrl-C stops it; `make up` starts it again with everything in it.",
            flush=True,
        )
        try:
            running.wait_until_stopped()
        except KeyboardInterrupt:
            running.wait_until_stopped()
    return 0


if __name__ == "__main__":
    sys.exit(main())
