from django.urls import path

from embassy.projects import api

urlpatterns = [path("v1/projects", api.ProjectList.as_view())]
