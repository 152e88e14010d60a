"""The part of OData's $filter grammar that Graph clients use, as a small tree, and its evaluation on dicts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .errors import bad_request

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_$@][\w.$/@-]*)|(?P<mark>[(),:]))"
)
COMPARISONS = {"eq", "ne", "gt", "ge", "lt", "le"}
FUNCTIONS = {"startswith", "endswith", "contains"}


@dataclass(frozen=True)
class Compare:
    """`op` of COMPARISONS, FUNCTIONS or `in`; `value` is a constant (a tuple for `in`)."""

    path: str
    op: str
    value: Any


@dataclass(frozen=True)
class Logic:
    """`op` is and, or, not."""

    op: str
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class AnyOf:
    """`path/any(variable:condition)`; the condition's paths start with the variable. None: not empty."""

    path: str
    variable: str
    condition: Any


Node = Compare | Logic | AnyOf


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self.error()
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()
        self.at = 0

    def error(self) -> Exception:
        return bad_request(f"Invalid filter clause: {self.text}")

    def peek(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.tokens[index][1] if index < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> tuple[str, str]:
        if self.at >= len(self.tokens) or (expected and self.peek().lower() != expected):
            raise self.error()
        self.at += 1
        return self.tokens[self.at - 1]

    def parse(self) -> Node:
        node = self.either()
        if self.at != len(self.tokens):
            raise self.error()
        return node

    def either(self) -> Node:
        parts = [self.both()]
        while self.peek().lower() == "or":
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Logic("or", tuple(parts))

    def both(self) -> Node:
        parts = [self.single()]
        while self.peek().lower() == "and":
            self.take()
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else Logic("and", tuple(parts))

    def single(self) -> Node:
        word = self.peek().lower()
        if word == "not":
            self.take()
            return Logic("not", (self.single(),))
        if word == "(":
            self.take()
            node = self.either()
            self.take(")")
            return node
        if word in FUNCTIONS and self.peek(1) == "(":
            return self.function()
        return self.comparison()

    def function(self) -> Node:
        name = self.take()[1].lower()
        self.take("(")
        path = self.take()[1]
        self.take(",")
        value = self.constant()
        self.take(")")
        node = Compare(path, name, value)
        if self.peek().lower() == "eq" and self.peek(1).lower() in ("true", "false"):
            self.take()
            return node if self.take()[1].lower() == "true" else Logic("not", (node,))
        return node

    def comparison(self) -> Node:
        kind, path = self.take()
        if kind != "name":
            raise self.error()
        if path.lower().endswith("/any") and self.peek() == "(":
            return self.lambda_(path[:-4])
        op = self.take()[1].lower()
        if op == "in":
            self.take("(")
            values = [self.constant()]
            while self.peek() == ",":
                self.take()
                values.append(self.constant())
            self.take(")")
            return Compare(path, "in", tuple(values))
        if op not in COMPARISONS:
            raise self.error()
        return Compare(path, op, self.constant())

    def lambda_(self, path: str) -> Node:
        self.take("(")
        if self.peek() == ")":
            self.take()
            return AnyOf(path, "", None)
        variable = self.take()[1]
        self.take(":")
        condition = self.either()
        self.take(")")
        return AnyOf(path, variable, condition)

    def constant(self) -> Any:
        kind, text = self.take()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "name":
            words = {"true": True, "false": False, "null": None}
            if text.lower() not in words:
                raise self.error()
            return words[text.lower()]
        return text


@lru_cache(maxsize=512)
def parse_filter(text: str) -> Node:
    return _Parser(text).parse()


def needs_advanced_query(node: Node) -> bool:
    """Directory filters with ne, not, endswith or $count work only with ConsistencyLevel: eventual."""
    if isinstance(node, Logic):
        return node.op == "not" or any(needs_advanced_query(part) for part in node.parts)
    if isinstance(node, Compare):
        return node.op in ("ne", "endswith") or node.path.endswith("$count")
    return False


def member(item: Any, path: str) -> Any:
    """Follow `a/b/c` through dicts, letter case ignored; `$count` is the length of a list."""
    value = item
    for step in path.split("/"):
        if step == "$count":
            return len(value or ())
        if not isinstance(value, dict):
            return None
        value = value.get(step) if step in value else _any_case(value, step)
    return value


def _any_case(value: dict[str, Any], step: str) -> Any:
    wanted = step.lower()
    return next((v for k, v in value.items() if k.lower() == wanted), None)


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


_OPS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a is not None and a > b,
    "ge": lambda a, b: a is not None and a >= b,
    "lt": lambda a, b: a is not None and a < b,
    "le": lambda a, b: a is not None and a <= b,
    "startswith": lambda a, b: isinstance(a, str) and a.startswith(b),
    "endswith": lambda a, b: isinstance(a, str) and a.endswith(b),
    "contains": lambda a, b: isinstance(a, str) and b in a,
}


def matches(node: Node, item: Any, variable: str = "") -> bool:
    if isinstance(node, Logic):
        if node.op == "not":
            return not matches(node.parts[0], item, variable)
        test = all if node.op == "and" else any
        return test(matches(part, item, variable) for part in node.parts)
    if isinstance(node, AnyOf):
        found = member(item, node.path) or []
        return any(node.condition is None or matches(node.condition, x, node.variable) for x in found)
    return _compare(node, item, variable)


def _compare(node: Compare, item: Any, variable: str) -> bool:
    path = node.path.removeprefix(variable + "/") if variable else node.path
    value = item if variable and path == variable else member(item, path)
    if node.op == "in":
        return _fold(value) in {_fold(x) for x in node.value}
    return _OPS[node.op](_fold(value), _fold(node.value))
