from django.urls import path

from embassy.deployments.api.deployments import (
    DeactivateDeployment,
    DeploymentDetail,
    DeploymentList,
    ReactivateDeployment,
)
from embassy.deployments.api.engines import (
    DeactivateEngine,
    DeployOnEngine,
    EngineDetail,
    EngineList,
    ReactivateEngine,
    UndeployFromEngine,
)
from embassy.deployments.api.hosts import HostList
from embassy.deployments.api.project_detail import ProjectDetail
from embassy.deployments.api.wakes import DeploymentWakes

PROJECT = "v1/projects/<str:project_id>"
DEPLOYMENT = f"{PROJECT}/deployments/<str:deployment_id>"
ENGINE = "v1/engines/<str:engine_id>"

urlpatterns = [
    path(PROJECT, ProjectDetail.as_view()),
    path(f"{PROJECT}/deployments", DeploymentList.as_view()),
    path(DEPLOYMENT, DeploymentDetail.as_view()),
    path(f"{DEPLOYMENT}/reactivate", ReactivateDeployment.as_view()),
    path(f"{DEPLOYMENT}/deactivate", DeactivateDeployment.as_view()),
    path(f"{DEPLOYMENT}/wakes", DeploymentWakes.as_view()),
    path("v1/hosts", HostList.as_view()),
    path("v1/engines", EngineList.as_view()),
    path(ENGINE, EngineDetail.as_view()),
    path(f"{ENGINE}/deploy", DeployOnEngine.as_view()),
    path(f"{ENGINE}/undeploy", UndeployFromEngine.as_view()),
    path(f"{ENGINE}/reactivate", ReactivateEngine.as_view()),
    path(f"{ENGINE}/deactivate", DeactivateEngine.as_view()),
]
