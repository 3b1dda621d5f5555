from django.urls import path

from embassy.evaluation import api

urlpatterns = [
    path("v1/testing-functions", api.TestingFunctionList.as_view()),
    path("v1/testing-functions/dry-run", api.DryRunUnsaved.as_view()),
    path("v1/testing-functions/<str:name>", api.TestingFunctionDetail.as_view()),
    path("v1/testing-functions/<str:name>/dry-run", api.DryRun.as_view()),
]
