from typing import Any

from rest_framework import serializers

from embassy.datasets import names, selectors
from embassy.datasets.models import Dataset
from embassy.platform.serializer_fields import UnixTimeField


class DatasetSummarySerializer(serializers.ModelSerializer[Dataset]):
    id = serializers.CharField(source="public_id", help_text="The unique identifier of the dataset.")
    created_at = UnixTimeField(help_text="When the dataset was created, in UNIX seconds.")

    class Meta:
        model = Dataset
        fields = ("id", "name", "created_at", "is_uploaded")


class DatasetDetailSerializer(serializers.ModelSerializer[Dataset]):
    id = serializers.CharField(source="public_id", help_text="The unique identifier of the dataset.")
    dataset_download_url = serializers.SerializerMethodField(
        help_text="Where to fetch the original file, for a while and without a key."
    )
    upload_by = serializers.CharField(source="created_by.public_id", help_text="The user who uploaded it.")
    created_at = UnixTimeField(help_text="When the dataset was created, in UNIX seconds.")
    updated_at = UnixTimeField(help_text="When the dataset was last updated, in UNIX seconds.")

    class Meta:
        model = Dataset
        fields = (
            "id",
            "name",
            "is_uploaded",
            "dataset_download_url",
            "upload_by",
            "created_at",
            "updated_at",
        )

    def get_dataset_download_url(self, dataset: Dataset) -> str:
        return selectors.download_url(dataset)


class UploadDatasetSerializer(serializers.Serializer[Any]):
    # An empty file is refused by the check of datasets, with the sentence that fits.
    file = serializers.FileField(allow_empty_file=True, help_text="CSV or JSON lines, at most 5 MB.")
    name = serializers.CharField(
        required=False, allow_blank=True, max_length=names.MAX_NAME, help_text="Default: the file's name."
    )
