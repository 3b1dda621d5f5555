"""Files, at both mounts."""

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from embassy.llama_stack.files import selectors, services
from embassy.llama_stack.files import serializers as wire
from embassy.llama_stack.openai.dialects import DialectView, mounted
from embassy.llama_stack.openai.pages import listing, page_of
from embassy.platform.query import query_of
from embassy.platform.storage import get_storage
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent


class FileList(DialectView):
    scope = "files"
    parser_classes = (MultiPartParser,)

    @extend_schema(
        summary="List files", parameters=[wire.FileQuerySerializer], responses=wire.FileListSerializer
    )
    def get(self, request: Request) -> Response:
        kind = wire.ContractFileQuerySerializer if self.is_contract else wire.FileQuerySerializer
        query = query_of(request, kind)
        files = selectors.files_visible_to(actor_of(request))
        if purpose := query.pop("purpose", None):
            files = files.filter(purpose=purpose)
        page = page_of(files, **query)
        data = [wire.file_body(file, self.dialect) for file in page.rows]
        return Response(listing(data, has_more=page.has_more))

    @extend_schema(
        summary="Upload a file",
        request={"multipart/form-data": wire.UploadFileSerializer},
        responses=wire.FileSerializer,
    )
    @idempotent(atomic=False)
    def post(self, request: Request) -> Response:
        kind = wire.ContractUploadFileSerializer if self.is_contract else wire.UploadFileSerializer
        body = kind(data=wire.form_of(request.data))
        body.is_valid(raise_exception=True)
        given = body.validated_data
        file = services.create_file(
            file=given["file"].file,
            name=given["file"].name,
            purpose=given["purpose"],
            expires_at=wire.expiry(given.get("expires_after")),
            actor=actor_of(request),
        )
        return Response(wire.file_body(file, self.dialect))


class FileDetail(DialectView):
    scope = "files"

    @extend_schema(summary="Look at a file", responses=wire.FileSerializer)
    def get(self, request: Request, file_id: str) -> Response:
        return Response(wire.file_body(selectors.get_file(actor_of(request), file_id), self.dialect))

    @extend_schema(summary="Delete a file", responses={200: wire.DeletedFileSerializer})
    def delete(self, request: Request, file_id: str) -> Response:
        actor = actor_of(request)
        services.delete_file(file=selectors.get_file(actor, file_id), actor=actor)
        return Response({"id": file_id, "object": "file", "deleted": True})


class FileContent(DialectView):
    scope = "files"

    @extend_schema(
        summary="Read the bytes of a file", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, file_id: str) -> FileResponse:
        file = selectors.get_file(actor_of(request), file_id)
        # Never as the type that its name tells: a page of somebody's would run in our address.
        return FileResponse(
            get_storage().open(file.key),
            as_attachment=True,
            filename=file.name,
            content_type="application/octet-stream",
        )


urlpatterns = [
    *mounted("files", FileList),
    *mounted("files/<str:file_id>", FileDetail),
    *mounted("files/<str:file_id>/content", FileContent),
]
