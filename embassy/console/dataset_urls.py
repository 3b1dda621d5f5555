"""Addresses of data sets and of uploads that become some."""

from django.urls import path

from embassy.console.views import datasets, uploads

PROJECT = "projects/<str:project_id>"
DATASET = f"{PROJECT}/datasets/<str:dataset_id>"
UPLOAD = f"{PROJECT}/uploads/<str:upload_id>"

urlpatterns = [
    path(f"{PROJECT}/datasets", datasets.DatasetList.as_view(), name="datasets"),
    path(DATASET, datasets.DatasetDetail.as_view(), name="dataset"),
    path(f"{DATASET}/figures", datasets.DatasetFigures.as_view(), name="dataset-figures"),
    path(f"{DATASET}/analyse", datasets.AnalyseDataset.as_view(), name="analyse-dataset"),
    path(f"{DATASET}/download", datasets.DownloadDataset.as_view(), name="download-dataset"),
    path(f"{DATASET}/delete", datasets.DeleteDataset.as_view(), name="delete-dataset"),
    path(f"{PROJECT}/uploads", uploads.UploadList.as_view(), name="uploads"),
    path(f"{PROJECT}/uploads/begin", uploads.BeginUpload.as_view(), name="begin-upload"),
    path(UPLOAD, uploads.UploadDetail.as_view(), name="upload"),
    path(f"{UPLOAD}/parts/<int:number>", uploads.SignPart.as_view(), name="sign-part"),
    path(f"{UPLOAD}/finish", uploads.FinishUpload.as_view(), name="finish-upload"),
    path(f"{UPLOAD}/cancel", uploads.CancelUpload.as_view(), name="cancel-upload"),
    path(f"{UPLOAD}/report", uploads.UploadReport.as_view(), name="upload-report"),
    path(f"{UPLOAD}/report.csv", uploads.DownloadReport.as_view(ending="csv"), name="upload-report-csv"),
    path(
        f"{UPLOAD}/report.jsonl", uploads.DownloadReport.as_view(ending="jsonl"), name="upload-report-jsonl"
    ),
]
