"""What the code of a user tries with the pipe that it is asked and answers through."""

import pytest

from embassy.evaluation.sandbox.policy import Level, Limits
from embassy.evaluation.sandbox.sandbox import GIVE_UP_AFTER
from tests.processes.sandboxing import ATTACK, HONEST, assert_contained, run_attack, sandboxed, source_of

pytestmark = pytest.mark.processes

QUICK = Limits(seconds=0.5, memory_mb=256)
FIND_WRITER = """
import fcntl, os
def writers():
    for number in range(64):
        try:
            flags = fcntl.fcntl(number, fcntl.F_GETFL)
        except OSError:
            continue
        if number > 2 and flags & os.O_ACCMODE != os.O_RDONLY:
            yield number
"""


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("float('nan')", "ValueError: the function returned nan, which is not a finite number"),
        ("float('inf')", "ValueError: the function returned inf, which is not a finite number"),
        ("'0.9'", "TypeError: the function must return a number, not str"),
        ("None", "TypeError: the function must return a number, not None"),
        ("[1.0]", "TypeError: the function must return a number, not list"),
        ("10**400", "OverflowError: int too large to convert to float"),
        ("1j", "TypeError: the function must return a number, not complex"),
        ("{}['missing']", "KeyError: 'missing' (line 2)"),
    ],
)
def test_what_is_no_number(level: Level, expression: str, reason: str) -> None:
    assert assert_contained(f"return {expression}", level).reason == reason


@pytest.mark.parametrize(("expression", "value"), [("True", 1.0), ("1", 1.0), ("-3", -3.0), ("0.25", 0.25)])
def test_what_is_a_number(level: Level, expression: str, value: float) -> None:
    assert run_attack(f"return {expression}", level).value == value


def test_object_that_pretends_to_be_a_number(level: Level) -> None:
    attack = """
    class Number(float):
        def __float__(self):
            import os
            os.fork()
        def __reduce__(self):
            raise RuntimeError("harm")
    return Number(1.0)
    """
    assert assert_contained(attack, level).reason.startswith("PermissionError")


def test_error_that_fails_to_show_itself(level: Level) -> None:
    attack = """
    class Harm(Exception):
        def __str__(self):
            raise SystemExit(3)
    raise Harm
    """
    assert assert_contained(attack, level).reason != ""


@pytest.mark.parametrize(
    "statement", ["sys.exit(0)", "raise KeyboardInterrupt", "raise GeneratorExit", "exit()"]
)
def test_leaving_by_exception(level: Level, statement: str) -> None:
    assert assert_contained(f"import sys; {statement}", level).reason != ""


def test_ending_the_process(level: Level) -> None:
    outcome = assert_contained("import os; os._exit(3)", level)
    assert outcome.reason == "the function ended its process (exit status 3)"


def test_closing_every_file(level: Level) -> None:
    outcome = assert_contained("import os; os.closerange(0, 1000); return 1.0", level)
    assert outcome.value is None


def test_reading_standard_input(level: Level) -> None:
    assert run_attack("import sys; return 0.125 if sys.stdin.read() == '' else 1.0", level).value == 0.125
    assert assert_contained("return float(input())", level).reason.startswith("EOFError")


def test_stealing_the_next_request(level: Level) -> None:
    attack = """
    import os
    for number in range(3, 64):
        try:
            os.read(number, 1 << 16)
        except OSError:
            pass
    return 1.0
    """
    assert "TimeLimit" in assert_contained(attack, level, limits=QUICK).reason


def test_answers_forged_ahead(level: Level) -> None:
    """It may give itself any score, but it must not get rows and answers out of step."""
    attack = f"""
    {FIND_WRITER.strip().replace(chr(10), chr(10) + "    ")}
    for number in writers():
        for guess in range(2, 40):
            os.write(number, b'{{"id": %d, "value": 1.0}}\\n' % guess)
    return 0.0
    """
    run_attack(attack, level)


def test_garbage_in_the_channel(level: Level) -> None:
    attack = f"""
    {FIND_WRITER.strip().replace(chr(10), chr(10) + "    ")}
    for number in writers():
        os.write(number, b"\\x00\\xff garbage\\n")
    return 1.0
    """
    assert "channel" in assert_contained(attack, level).reason


def test_endless_line_in_the_channel(level: Level) -> None:
    attack = f"""
    {FIND_WRITER.strip().replace(chr(10), chr(10) + "    ")}
    while True:
        for number in writers():
            os.write(number, bytes(1 << 16))
    """
    assert "channel" in assert_contained(attack, level).reason


def test_deeply_nested_answer(level: Level) -> None:
    attack = f"""
    {FIND_WRITER.strip().replace(chr(10), chr(10) + "    ")}
    for number in writers():
        os.write(number, b"[" * 60000 + b"\\n")
    return 1.0
    """
    assert "channel" in assert_contained(attack, level).reason


def test_breaking_the_library_that_answers(level: Level) -> None:
    attack = """
    import json, os
    json.dumps = lambda *args, **kwargs: "{}"
    os.write = lambda *args: 1
    return 1.0
    """
    assert_contained(attack, level, limits=QUICK)


def test_rows_after_many_hopeless_ones_are_not_tried(level: Level) -> None:
    with sandboxed(source_of("import os; os._exit(1)"), level) as sandbox:
        reasons = [sandbox.call(ATTACK).reason for _ in range(GIVE_UP_AFTER + 1)]
        assert reasons[-2].startswith("the function ended its process")
        assert reasons[-1].startswith("not tried")
        assert sandbox.call(HONEST).value is None


def test_one_good_row_restores_hope(level: Level) -> None:
    with sandboxed(source_of("import os; os._exit(1)"), level) as sandbox:
        for _ in range(GIVE_UP_AFTER - 1):
            sandbox.call(ATTACK)
        assert sandbox.call(HONEST).value == 0.5
        assert sandbox.call(ATTACK).reason.startswith("the function ended its process")
        assert sandbox.call(HONEST).value == 0.5


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no')", "RuntimeError: no (line 1)"),
        ("while True: pass", "TimeLimit: it took longer than 0.5 s (line 1)"),
        ("import sys; sys.exit()", "SystemExit (line 1)"),
        ("import os; os._exit(7)", "the function ended its process (exit status 7)"),
        ("other = 1", "NameError: the source defines no function judge"),
    ],
)
def test_source_that_cannot_be_loaded(level: Level, source: str, reason: str) -> None:
    with sandboxed(source, level, limits=QUICK) as sandbox:
        expected = f"the function cannot be loaded: {reason}"
        assert [sandbox.call(HONEST).reason for _ in range(2)] == [expected, expected]


def test_text_of_every_kind_gets_through(level: Level) -> None:
    texts = ("\ud800 half", "\0\n\r\u2028", "ä" * 1_000_000)
    source = f"def judge(*row):\n    return ascii(row[:2]) == {ascii(texts[:2])!a} and len(row[2]) == 10**6"
    with sandboxed(source, level) as sandbox:
        assert sandbox.call(texts).value == 1.0


def test_what_it_prints_is_shown(level: Level) -> None:
    outcome = run_attack("import sys; print('seen'); print('also', file=sys.stderr); return 0.0", level)
    assert outcome.output == "seen\nalso\n"
