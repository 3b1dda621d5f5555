"""What checkpoints were tested with, and how they did."""

from typing import Any

from rest_framework import serializers

from embassy.training.tested_rows import Change, Order

LIMIT = 1000


class TestedRowSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Of the test dataset's file.")
    input_text = serializers.CharField()
    expected_output = serializers.CharField()
    predicted_output = serializers.CharField()
    scores = serializers.DictField(child=serializers.FloatField(allow_null=True))
    reasons = serializers.DictField(
        child=serializers.CharField(), help_text="Why a function gave this row no score."
    )


class TestResultSerializer(serializers.Serializer[Any]):
    """One tested checkpoint; 0 is the base model.

    In classification and regression the base model has no head. There 0 is the answer that is right most
    often in the training dataset, or the mean: what a checkpoint has to beat.
    """

    checkpoint = serializers.IntegerField()
    best = serializers.BooleanField(help_text="Of the job's checkpoints, by its selection.")
    stored = serializers.BooleanField(help_text="False: the checkpoint itself was not kept.")
    rows = serializers.IntegerField(help_text="How many rows were tested.")
    scores = serializers.DictField(child=serializers.CharField())
    improvement = serializers.DictField(
        child=serializers.FloatField(), help_text="Of each score on the base model's; of errors, the fall."
    )
    failures = serializers.DictField(
        child=serializers.IntegerField(), help_text="In how many rows a function gave no score."
    )
    metrics = serializers.DictField(
        help_text=(
            "Of all rows together, by task: accuracy and F1 with a confusion matrix, or errors and R²;"
            " of preferences how often the better answer is the likelier one, of rewards their weighted mean."
        )
    )
    general_test_result = serializers.URLField()
    sample = TestedRowSerializer(many=True)


class OrderFields(serializers.Serializer[Any]):
    order = serializers.ChoiceField(
        [order.value for order in Order],
        default=Order.LINE.value,
        help_text="line: as in the file; a row without a score is among the worst.",
    )
    by = serializers.CharField(
        required=False, help_text="Test function that orders; left out, the one that selects the best."
    )


class PageFields(serializers.Serializer[Any]):
    offset = serializers.IntegerField(default=0, min_value=0)
    limit = serializers.IntegerField(default=100, min_value=1, max_value=LIMIT)


class ResultsQuerySerializer(OrderFields):
    rows = serializers.IntegerField(
        default=10, min_value=0, max_value=LIMIT, help_text="Sample rows for each checkpoint."
    )


class RowsQuerySerializer(PageFields, OrderFields):
    only_failed = serializers.BooleanField(
        default=False, help_text="Only rows to which the function gave no score."
    )


class CompareQuerySerializer(PageFields):
    a = serializers.IntegerField(default=0, min_value=0, help_text="A tested checkpoint; 0: the base model.")
    b = serializers.IntegerField(min_value=0, help_text="What it is compared with.")
    by = serializers.CharField(required=False, help_text="Left out, the function that selects the best.")
    show = serializers.ChoiceField([change.value for change in Change], default=Change.CHANGED.value)


class TestedRowsSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField(help_text="On all pages.")
    offset = serializers.IntegerField()
    rows = TestedRowSerializer(many=True)


class AnswerSerializer(serializers.Serializer[Any]):
    predicted_output = serializers.CharField()
    score = serializers.FloatField(allow_null=True)


class ComparedRowSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    input_text = serializers.CharField()
    expected_output = serializers.CharField()
    a = AnswerSerializer()
    b = AnswerSerializer()
    gain = serializers.FloatField(help_text="How much better b is; a row without a score counts as 0.")
    verdict = serializers.ChoiceField(["better", "worse", "same"])


class ResultComparisonSerializer(serializers.Serializer[Any]):
    a = serializers.IntegerField()
    b = serializers.IntegerField()
    by = serializers.CharField()
    better = serializers.IntegerField(help_text="Rows in which b is better.")
    worse = serializers.IntegerField()
    same = serializers.IntegerField()
    total = serializers.IntegerField(help_text="Of the rows asked for, on all pages.")
    offset = serializers.IntegerField()
    rows = ComparedRowSerializer(many=True, help_text="What changed most comes first.")


class ColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    higher_is_better = serializers.BooleanField(allow_null=True, help_text="Null: neither way is.")


class FunctionColumnSerializer(ColumnSerializer):
    selects = serializers.BooleanField(help_text="Whether it chooses the best checkpoint.")


class FigureSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True)
    change = serializers.FloatField(allow_null=True, help_text="The value less the base model's.")
    is_better = serializers.BooleanField(allow_null=True, help_text="Whether the change is for the better.")
    is_best = serializers.BooleanField(help_text="No checkpoint has a better value.")


class ScoreSerializer(FigureSerializer):
    failures = serializers.IntegerField(help_text="Rows to which the function gave no score.")


class TableLineSerializer(serializers.Serializer[Any]):
    checkpoint = serializers.IntegerField(help_text="0 is the base model.")
    best = serializers.BooleanField()
    stored = serializers.BooleanField()
    tested = serializers.BooleanField()
    scores = serializers.DictField(child=ScoreSerializer())
    metrics = serializers.DictField(child=FigureSerializer())


class MetricTableSerializer(serializers.Serializer[Any]):
    """Every checkpoint's scores and metrics, each with its distance from the base model's."""

    functions = FunctionColumnSerializer(many=True)
    metrics = ColumnSerializer(many=True)
    checkpoints = TableLineSerializer(many=True)
