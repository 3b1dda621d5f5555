"""What browsers may do on pages of the staff admin: a little more than on those of the console."""

from django.http import HttpRequest, HttpResponseBase

from embassy.platform.middleware import Middleware

STAFF_POLICY = "; ".join(
    (
        "default-src 'self'",
        # The library's scripts evaluate what its own templates say, and its pages hold their colours. No
        # script may stand in a page, nor come from elsewhere.
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class StaffPolicyMiddleware(Middleware):
    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/admin"):
            response["Content-Security-Policy"] = STAFF_POLICY
            response["Referrer-Policy"] = "same-origin"
            response["Cache-Control"] = "no-store"
        return response
