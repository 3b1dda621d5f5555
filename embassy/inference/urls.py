from django.urls import path

from embassy.inference import api
from embassy.inference.reports.api import DeploymentUsage, EngineRuns, UsageView
from embassy.inference.request_logs.api import LogDataset, LogDetail, LogList

DEPLOYMENT = "v1/projects/<str:project_id>/deployments/<str:deployment_id>"
LOGS = f"{DEPLOYMENT}/logs"

urlpatterns = [
    path("v1/completions", api.Completions.as_view()),
    path("v1/chat/completions", api.ChatCompletions.as_view()),
    path("v1/classification", api.Classification.as_view()),
    path("v1/embeddings", api.Embeddings.as_view()),
    path("v1/regression", api.Regression.as_view()),
    path("v1/usage", UsageView.as_view()),
    path(f"{DEPLOYMENT}/usage", DeploymentUsage.as_view()),
    path("v1/engines/<str:engine_id>/runs", EngineRuns.as_view()),
    path(LOGS, LogList.as_view()),
    path(f"{LOGS}/dataset", LogDataset.as_view()),
    path(f"{LOGS}/<str:log_id>", LogDetail.as_view()),
]
