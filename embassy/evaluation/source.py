"""Check the source of a test function without running it. Pure."""

import ast
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass

ARGUMENTS = ("input_text", "expected_output", "predicted_output")
SIGNATURE = f"({', '.join(ARGUMENTS)})"
MAX_CHARACTERS = 64 * 1024
MAX_NAME = 64
_NUMBERS = {"float", "int", "bool"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Problem:
    """`line` and `column` count from 1; None where no place can be named."""

    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


@dataclass(frozen=True)
class Report:
    """`name` is that of the function, if there is one to name."""

    name: str | None
    problems: tuple[Problem, ...]


def check(source: str, *, name: str | None, modules: Collection[str]) -> Report:
    """Whether the source defines one test function, of that name if one is given.

    `modules` are those of the declared dependencies; beside them it may import the standard library.
    """
    if len(source) > MAX_CHARACTERS:
        return Report(None, (Problem(f"it is longer than {MAX_CHARACTERS} characters"),))
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return Report(None, (Problem(error.msg or "invalid syntax", error.lineno, error.offset),))
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; too deeply nested
        return Report(None, (Problem(f"it cannot be parsed: {error or 'it is too deeply nested'}"),))
    public = [node for node in tree.body if isinstance(node, Definition) and not node.name.startswith("_")]
    problems = [*_problems_of_choice(public, name), *_problems_of_imports(tree, modules)]
    for node in public[:1]:
        problems += _problems_of_function(node)
    problems.sort(key=lambda problem: problem.line or 0)
    return Report(public[0].name if public else None, tuple(problems))


def _problems_of_choice(public: list[Definition], name: str | None) -> Iterator[Problem]:
    if not public:
        wanted = name or "my_function"
        yield Problem(f"it defines no function; write `def {wanted}{SIGNATURE}:`")
        return
    for node in public[1:]:
        yield Problem(
            f"there must be one public function; let the name of {node.name} begin with an underscore",
            node.lineno,
            node.col_offset + 1,
        )
    first = public[0]
    if name is not None and first.name != name:
        yield Problem(f"the function is called {first.name}, not {name}", first.lineno, first.col_offset + 1)


def _problems_of_function(node: Definition) -> Iterator[Problem]:
    place = (node.lineno, node.col_offset + 1)
    if isinstance(node, ast.AsyncFunctionDef):
        yield Problem("the function must not be async", *place)
    if len(node.name) > MAX_NAME or not node.name.isascii():
        yield Problem(f"the name must be of ASCII letters, digits and _, at most {MAX_NAME}", *place)
    if not _has_signature(node.args):
        yield Problem(f"the function must take exactly {SIGNATURE}", *place)
    if isinstance(node.returns, ast.Name) and node.returns.id not in _NUMBERS:
        yield Problem(f"the function must return float, not {node.returns.id}", *place)
    inside = list(_own_nodes(node))
    if any(isinstance(child, ast.Yield | ast.YieldFrom) for child in inside):
        yield Problem("the function must return its score, not yield it", *place)
    elif not any(isinstance(child, ast.Return) and child.value is not None for child in inside):
        yield Problem("the function never returns a score", *place)


def _has_signature(arguments: ast.arguments) -> bool:
    names = tuple(argument.arg for argument in arguments.posonlyargs + arguments.args)
    extras = (arguments.vararg, arguments.kwarg, *arguments.kwonlyargs)
    return names == ARGUMENTS and not any(extras)


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What is in the function, but not in functions and classes within it."""
    waiting = list(ast.iter_child_nodes(node))
    while waiting:  # not by recursion: expressions may be nested deeply
        child = waiting.pop()
        yield child
        if not isinstance(child, Definition | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(child))


def _problems_of_imports(tree: ast.Module, modules: Collection[str]) -> Iterator[Problem]:
    for node in ast.walk(tree):
        for module in _imported(node):
            if module not in sys.stdlib_module_names and module not in modules:
                assert isinstance(node, ast.Import | ast.ImportFrom)
                yield Problem(
                    f"the module {module} is neither in the standard library nor in a declared dependency",
                    node.lineno,
                    node.col_offset + 1,
                )


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or ".").partition(".")[0]] if not node.level else ["."]
    return []
