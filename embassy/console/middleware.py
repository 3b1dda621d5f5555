"""What browsers may do on pages of the console: load from here, and nothing inline."""

from django.http import HttpRequest, HttpResponseBase

from embassy.platform.middleware import Middleware

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",  # the style sheet draws its check marks and arrows so
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class ContentPolicyMiddleware(Middleware):
    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/console"):
            response["Content-Security-Policy"] = POLICY
            response["Referrer-Policy"] = "same-origin"
            # Pages show an organization's data: no copy of them stays behind after signing out.
            response.setdefault("Cache-Control", "no-store")
        return response
