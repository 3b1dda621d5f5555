from django.urls import path

from embassy.inference import api

urlpatterns = [
    path("v1/completions", api.Completions.as_view()),
    path("v1/chat/completions", api.ChatCompletions.as_view()),
    path("v1/classification", api.Classification.as_view()),
    path("v1/embeddings", api.Embeddings.as_view()),
    path("v1/regression", api.Regression.as_view()),
]
