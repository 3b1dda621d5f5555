"""CSV (RFC 4180) → one dictionary a record, with the number of the line where the record begins."""

import csv
from collections.abc import Iterable, Iterator

from embassy.datasets.validation.limits import MAX_FIELD_CHARACTERS
from embassy.datasets.validation.report import Problem, Report, shown
from embassy.datasets.validation.shapes import KNOWN_FIELDS, shape_of

WANTED = "The first line must name the columns: input,expected_output."

# The csv module has one limit for the whole process. It also bounds what an unclosed quote takes in.
csv.field_size_limit(MAX_FIELD_CHARACTERS)


def csv_rows(lines: Iterable[str], report: Report) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(lines, strict=True)
    header = None
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            report.add(_unreadable(str(error), line))
            return  # where the next record begins is anybody's guess
        if _is_blank(values):
            continue
        if header is None:
            header = _header(values, line, report)
            if header is None:
                return
        elif len(values) != len(header):
            report.add(_wrong_count(values, header, line))
        else:
            yield line, dict(zip(header, values, strict=True))


def _is_blank(values: list[str]) -> bool:
    return not values or (len(values) == 1 and not values[0].strip())


def _header(values: list[str], line: int, report: Report) -> list[str] | None:
    names = [_column_name(value) for value in values]
    problem = _header_problem(values, names, line)
    if problem:
        report.add(problem)
        return None
    return names


def _column_name(value: str) -> str:
    """Columns that we know may be written in any case, with blanks around."""
    plain = value.strip()
    return plain.lower() if plain.lower() in KNOWN_FIELDS else plain


def _header_problem(values: list[str], names: list[str], line: int) -> Problem | None:
    seen = shown(",".join(values))
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        return Problem("duplicate_column", "two columns have this name", WANTED, line, None, doubled, seen)
    shape = shape_of(names)
    missing = [name for name in shape.required if name not in names] if shape else []
    if shape is None or missing or not shape.in_csv:
        delimiter = next((name for name in (";", "\t", "|") if len(values) == 1 and name in values[0]), None)
        if delimiter:
            name = {";": "semicolons", "\t": "tabs", "|": "bars"}[delimiter]
            wanted = f"Separate them by commas. {WANTED}"
            return Problem("wrong_delimiter", f"the columns are separated by {name}", wanted, line, seen=seen)
        wrong = f"there is no column {missing[0]}" if missing else "the columns are not those of a dataset"
        return Problem("wrong_columns", wrong, WANTED, line, seen=seen)
    return None


def _wrong_count(values: list[str], header: list[str], line: int) -> Problem:
    return Problem(
        "wrong_field_count",
        f"the record has {len(values)} fields instead of {len(header)}",
        "Put a text with a comma, a quote or a line break in double quotes, and write a quote in it twice.",
        line,
        seen=shown(",".join(values)),
    )


def _unreadable(error: str, line: int) -> Problem:
    if "field larger than" in error:
        return Problem(
            "field_too_long",
            "a field of this record has no end",
            f"A field may have {MAX_FIELD_CHARACTERS} characters. Is a closing quote missing?",
            line,
        )
    if "unexpected end" in error:
        return Problem(
            "unclosed_quote", "a quote of this record is never closed", "Close it with a double quote.", line
        )
    if "new-line character" in error:
        return Problem(
            "wrong_line_ends", "lines end with a bare CR", "End them with LF or CRLF, as CSV wants it.", line
        )
    return Problem(
        "wrong_quotes",
        f"the quotes of this record are wrong: {error}",
        "Put quotes around the whole field, and write a quote inside it twice.",
        line,
    )
