from django.urls import path

from embassy.catalog import api

urlpatterns = [
    path("v1/models", api.BaseModelList.as_view()),
    path("v1/models/<path:base_model_name>", api.BaseModelDetail.as_view()),
]
