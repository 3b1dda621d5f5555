from django.urls import path

from embassy.datasets import api

urlpatterns = [
    path("v1/projects/<str:project_id>/datasets", api.DatasetList.as_view()),
    path("v1/projects/<str:project_id>/datasets/<str:dataset_id>", api.DatasetDetail.as_view()),
]
