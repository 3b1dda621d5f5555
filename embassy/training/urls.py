from django.urls import path

from embassy.training import api

JOBS = "v1/projects/<str:project_id>/training-jobs"
JOB = f"{JOBS}/<str:training_job_id>"

urlpatterns = [
    path(JOBS, api.TrainingJobList.as_view()),
    path(f"{JOBS}/grpo", api.GrpoJobCreate.as_view()),
    path(JOB, api.TrainingJobDetail.as_view()),
    path(f"{JOB}/cancel", api.TrainingJobCancel.as_view()),
    path(f"{JOB}/checkpoints", api.CheckpointList.as_view()),
    path(f"{JOB}/events", api.JobEventList.as_view()),
    path(f"{JOB}/results", api.TestResultList.as_view()),
]
