from django.urls import path

from embassy.evaluation import api

urlpatterns = [path("v1/testing-functions", api.TestingFunctionList.as_view())]
