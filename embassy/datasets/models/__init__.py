"""The tables of datasets."""

from embassy.datasets.models.analysis import Analysis, AnalysisKind
from embassy.datasets.models.dataset import Dataset, Format, Kind
from embassy.datasets.models.upload import Upload, UploadPart

__all__ = ["Analysis", "AnalysisKind", "Dataset", "Format", "Kind", "Upload", "UploadPart"]
