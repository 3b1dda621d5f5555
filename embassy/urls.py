"""Every address of the Django side. The inference POSTs are answered before Django: see asgi.py."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from embassy.inference.metrics.views import metrics
from embassy.platform.health import healthz, readyz

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="console:projects")),
    path("console", RedirectView.as_view(pattern_name="console:projects")),
    path("console/", include("embassy.console.urls")),
    path("console/", include("embassy.console.sign_in_urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("docs/openapi.yaml", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("", include("embassy.projects.urls")),
    path("", include("embassy.catalog.urls")),
    path("", include("embassy.datasets.urls")),
    path("", include("embassy.evaluation.urls")),
    path("", include("embassy.training.urls")),
    path("", include("embassy.deployments.urls")),
    path("", include("embassy.inference.urls")),
    path("", include("embassy.llama_stack.urls")),
]
