"""Every address of the console, under /console/."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from embassy.console.views import (
    account,
    artifacts,
    datasets,
    deploy,
    deployments,
    engines,
    job_comparison,
    job_list,
    job_log,
    job_results,
    jobs,
    keys,
    new_job,
    playground,
    projects,
    request_logs,
    test_functions,
    usage,
)

app_name = "console"

PROJECT = "projects/<str:project_id>"
DATASET = f"{PROJECT}/datasets/<str:dataset_id>"
JOB = f"{PROJECT}/jobs/<str:job_id>"
FUNCTIONS = f"{PROJECT}/test-functions"
FUNCTION = f"{FUNCTIONS}/<str:function_name>"
DEPLOYMENT = f"{PROJECT}/deployments/<str:deployment_id>"
ENGINE = "engines/<str:engine_id>"

urlpatterns = [
    path("", projects.ProjectList.as_view(), name="projects"),
    path("sign-in", account.SignIn.as_view(), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("account", account.Account.as_view(), name="account"),
    path("password", account.ChangePassword.as_view(), name="password"),
    path("organization", account.SwitchOrganization.as_view(), name="organization"),
    path("usage", usage.Usage.as_view(), name="usage"),
    path("usage.csv", usage.ExportUsage.as_view(), name="usage-csv"),
    path(PROJECT, projects.ProjectOverview.as_view(), name="project"),
    path(f"{PROJECT}/delete", projects.DeleteProject.as_view(), name="delete-project"),
    path(f"{PROJECT}/datasets", datasets.DatasetList.as_view(), name="datasets"),
    path(DATASET, datasets.DatasetDetail.as_view(), name="dataset"),
    path(f"{DATASET}/download", datasets.DownloadDataset.as_view(), name="download-dataset"),
    path(f"{DATASET}/delete", datasets.DeleteDataset.as_view(), name="delete-dataset"),
    path(f"{PROJECT}/jobs", job_list.JobList.as_view(), name="jobs"),
    path(f"{PROJECT}/jobs/new", new_job.NewJob.as_view(), name="new-job"),
    path(f"{PROJECT}/jobs/new/parameters", new_job.JobParameters.as_view(), name="job-parameters"),
    path(f"{PROJECT}/jobs/new/starts", new_job.JobStarts.as_view(), name="job-starts"),
    path(f"{PROJECT}/jobs/new/estimate", new_job.JobEstimate.as_view(), name="job-estimate"),
    path(FUNCTIONS, test_functions.FunctionList.as_view(), name="test-functions"),
    # No function is called "-".
    path(f"{FUNCTIONS}/-/new", test_functions.NewFunction.as_view(), name="new-test-function"),
    path(f"{FUNCTIONS}/-/check", test_functions.CheckFunction.as_view(), name="check-test-function"),
    path(f"{FUNCTIONS}/-/dry-run", test_functions.DryRun.as_view(), name="dry-run"),
    path(f"{FUNCTIONS}/-/rows", test_functions.DryRows.as_view(), name="dry-rows"),
    path(FUNCTION, test_functions.FunctionDetail.as_view(), name="test-function"),
    path(f"{FUNCTION}/delete", test_functions.DeleteFunction.as_view(), name="delete-test-function"),
    path(f"{PROJECT}/jobs/compare", job_comparison.CompareJobs.as_view(), name="compare-jobs"),
    path(f"{PROJECT}/jobs/compare/rows", job_comparison.CompareJobRows.as_view(), name="compare-job-rows"),
    path(JOB, jobs.JobDetail.as_view(), name="job"),
    path(f"{JOB}/live", jobs.JobLive.as_view(), name="job-live"),
    path(f"{JOB}/events", jobs.JobEvents.as_view(), name="job-events"),
    path(f"{JOB}/curves", job_results.JobCurves.as_view(), name="job-curves"),
    path(f"{JOB}/log", job_log.JobLog.as_view(), name="job-log"),
    path(f"{JOB}/log/download", job_log.DownloadLog.as_view(), name="download-job-log"),
    path(f"{JOB}/rows/<int:number>", job_results.JobRows.as_view(), name="job-rows"),
    path(f"{JOB}/compare", job_results.CompareCheckpoints.as_view(), name="compare-checkpoints"),
    path(
        f"{JOB}/checkpoints/<int:number>/download",
        jobs.DownloadCheckpoint.as_view(),
        name="download-checkpoint",
    ),
    path(f"{JOB}/checkpoints/<int:number>/artifacts", artifacts.ArtifactList.as_view(), name="artifacts"),
    path(f"{JOB}/checkpoints/<int:number>/evidence", artifacts.DownloadEvidence.as_view(), name="evidence"),
    path(
        f"{JOB}/checkpoints/<int:number>/merge", artifacts.MergeCheckpoint.as_view(), name="merge-checkpoint"
    ),
    path(f"{JOB}/pause", jobs.PauseJob.as_view(), name="pause-job"),
    path(f"{JOB}/resume", jobs.ResumeJob.as_view(), name="resume-job"),
    path(f"{JOB}/cancel", jobs.CancelJob.as_view(), name="cancel-job"),
    path(f"{JOB}/delete", jobs.DeleteJob.as_view(), name="delete-job"),
    path(f"{PROJECT}/deploy", deploy.Deploy.as_view(), name="deploy"),
    path(f"{PROJECT}/deployments", deployments.DeploymentList.as_view(), name="deployments"),
    path(DEPLOYMENT, deployments.DeploymentDetail.as_view(), name="deployment"),
    path(f"{DEPLOYMENT}/live", deployments.DeploymentLive.as_view(), name="deployment-live"),
    path(f"{DEPLOYMENT}/usage", usage.DeploymentUsage.as_view(), name="deployment-usage"),
    path(f"{DEPLOYMENT}/chat", playground.DeploymentAsk.as_view(), name="deployment-chat"),
    path(f"{DEPLOYMENT}/test", deployments.DeploymentTest.as_view(), name="deployment-test"),
    path(f"{DEPLOYMENT}/examples", deployments.DeploymentExamples.as_view(), name="deployment-examples"),
    path(f"{DEPLOYMENT}/requests", request_logs.Requests.as_view(), name="deployment-requests"),
    path(f"{DEPLOYMENT}/reactivate", deployments.Reactivate.as_view(), name="reactivate"),
    path(f"{DEPLOYMENT}/deactivate", deployments.Deactivate.as_view(), name="deactivate"),
    path(f"{DEPLOYMENT}/delete", deployments.DeleteDeployment.as_view(), name="delete-deployment"),
    path(f"{DEPLOYMENT}/logs", request_logs.LogList.as_view(), name="request-logs"),
    path(f"{DEPLOYMENT}/logs/dataset", request_logs.MakeDataset.as_view(), name="logs-dataset"),
    path(f"{DEPLOYMENT}/logs/delete", request_logs.DeleteLogs.as_view(), name="delete-logs"),
    path(f"{DEPLOYMENT}/logs/<str:log_id>", request_logs.LogDetail.as_view(), name="request-log"),
    path(f"{DEPLOYMENT}/logging", request_logs.ChangeLogging.as_view(), name="logging"),
    path(f"{PROJECT}/usage", usage.ProjectUsage.as_view(), name="project-usage"),
    path(f"{PROJECT}/usage.csv", usage.ExportProjectUsage.as_view(), name="project-usage-csv"),
    path(f"{PROJECT}/playground", playground.Playground.as_view(), name="playground"),
    path(f"{PROJECT}/playground/ask", playground.Ask.as_view(), name="ask"),
    path("engines", engines.EngineList.as_view(), name="engines"),
    path(ENGINE, engines.EngineDetail.as_view(), name="engine"),
    path(f"{ENGINE}/live", engines.EngineLive.as_view(), name="engine-live"),
    path(f"{ENGINE}/wake", engines.WakeEngine.as_view(), name="wake-engine"),
    path(f"{ENGINE}/sleep", engines.SleepEngine.as_view(), name="sleep-engine"),
    path(f"{ENGINE}/delete", engines.DeleteEngine.as_view(), name="delete-engine"),
    path("playground", playground.BaseModelPlayground.as_view(), name="base-model-playground"),
    path("playground/ask", playground.Ask.as_view(), name="ask-base-model"),
    path("keys", keys.KeyList.as_view(), name="keys"),
    path("keys/new", keys.NewKey.as_view(), name="new-key"),
    path("keys/<str:prefix>/limits", keys.ChangeKeyLimits.as_view(), name="change-key-limits"),
    path("keys/<str:prefix>/revoke", keys.RevokeKey.as_view(), name="revoke-key"),
]
