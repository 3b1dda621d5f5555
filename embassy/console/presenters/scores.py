"""The metrics of all tested checkpoints, turned so that each metric is a row."""

from embassy.training.score_table import Figure, ScoreTable


def metric_rows(table: ScoreTable) -> list[tuple[str, tuple[Figure, ...]]]:
    """Each metric with its figures in the order of the tested lines."""
    names = [column.name for column in table.metrics]
    columns = [line.metrics for line in table.lines if line.result is not None]
    return list(zip(names, zip(*columns, strict=True), strict=True)) if names else []
