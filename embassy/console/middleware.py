"""What browsers may do on pages of the console: load from here, and nothing inline. And how they are sent."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from embassy.platform.middleware import Middleware

POLICY = (
    "default-src 'self'",
    "img-src 'self' data:",  # the style sheet draws its check marks and arrows so
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)


class ContentPolicyMiddleware(Middleware):
    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/console"):
            response["Content-Security-Policy"] = policy()
            response["Referrer-Policy"] = "same-origin"
            # Pages show an organization's data: no copy of them stays behind after signing out.
            response.setdefault("Cache-Control", "no-store")
        return response


class CompressionMiddleware(GZipMiddleware):
    """Pages of the console as gzip, with random bytes against guessing what is in them by their length.

    Streams are left alone: a compressor would hold back what should be seen at once.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not request.path.startswith("/console"):
            return response
        return super().process_response(request, response)


def policy() -> str:
    """Where objects are in a bucket, browsers send the parts of uploads right there."""
    bucket = f"connect-src 'self' {' '.join(_bucket_origins())}"
    return "; ".join((*POLICY, bucket) if settings.S3_BUCKET else POLICY)


def _bucket_origins() -> tuple[str, ...]:
    address = settings.S3_PUBLIC_ENDPOINT_URL or settings.S3_ENDPOINT_URL
    if not address:
        return "https://s3.amazonaws.com", f"https://s3.{settings.S3_REGION}.amazonaws.com"
    parts = urlsplit(address)
    return (f"{parts.scheme}://{parts.netloc}",)
