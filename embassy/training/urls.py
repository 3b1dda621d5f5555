from django.urls import path

from embassy.training import api, artifact_api, life_api, result_api
from embassy.training.preflight.api import PreflightView
from embassy.training.stream.api import JobEventStream

JOBS = "v1/projects/<str:project_id>/training-jobs"
JOB = f"{JOBS}/<str:training_job_id>"
CHECKPOINT = f"{JOB}/checkpoints/<int:number>"

urlpatterns = [
    path(JOBS, api.TrainingJobList.as_view()),
    path(f"{JOBS}/grpo", api.GrpoJobCreate.as_view()),
    path(f"{JOBS}/preflight", PreflightView.as_view()),
    path(JOB, api.TrainingJobDetail.as_view()),
    path(f"{JOB}/cancel", api.TrainingJobCancel.as_view()),
    path(f"{JOB}/pause", life_api.TrainingJobPause.as_view()),
    path(f"{JOB}/resume", life_api.TrainingJobResume.as_view()),
    path(f"{JOB}/logs", life_api.TrainingJobLogs.as_view()),
    path(f"{JOB}/checkpoints", api.CheckpointList.as_view()),
    path(f"{CHECKPOINT}/artifacts", artifact_api.CheckpointArtifacts.as_view()),
    path(f"{CHECKPOINT}/merge", artifact_api.CheckpointMerge.as_view()),
    path(f"{CHECKPOINT}/evidence", artifact_api.CheckpointEvidence.as_view()),
    path(f"{JOB}/events", api.JobEventList.as_view()),
    path(f"{JOB}/events/stream", JobEventStream.as_view()),
    path(f"{JOB}/results", result_api.TestResultList.as_view()),
    path(f"{JOB}/results/metrics", result_api.MetricTable.as_view()),
    path(f"{JOB}/results/compare", result_api.Comparison.as_view()),
    path(f"{JOB}/results/<int:number>/rows", result_api.TestedRowList.as_view()),
]
