"""What a call says and asks, as data, and the pure machine that walks through it.

Never speaks, waits or writes: it takes what happened and says what to do next. Linear, few keys, and silence is safe:
a script in which silence alone would never end the call is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from gateway.failures import GatewayError

KEYS = frozenset("0123456789*#")

MOST_STEPS = 60
"""Nodes one call may enter: a child playing with the keys does not hold the line for ever."""


class ScriptError(GatewayError):
    """A script that points nowhere or never ends."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that is said, and what each key then means.

    `silent`: where `wait_ms` of silence leads (None: the call ends). `other`: where a key without meaning leads (None:
    it is ignored). `heard`: once this was played whole, the message counts as heard. A node without answers and without
    `silent` is last words. `leads_on`: a key here only leads to what is asked and answers nothing yet. `whole`: a key
    means something only once all was played; one pressed before that waits until then.
    """

    says: tuple[str, ...]
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    wait_ms: int = 6000
    silent: str | None = None
    other: str | None = None
    slow: bool = False
    heard: bool = False
    leads_on: bool = False
    whole: bool = False

    @property
    def asks(self) -> bool:
        return bool(self.answers) or self.silent is not None


@dataclass(frozen=True, slots=True)
class Script:
    """Nodes by name. Raises ScriptError where it does not hold together."""

    nodes: Mapping[str, Node]
    start: str = "start"

    def __post_init__(self) -> None:
        if self.start not in self.nodes:
            raise ScriptError(f"no node {self.start!r} to start from")
        for name, node in self.nodes.items():
            if not any(line.strip() for line in node.says):
                raise ScriptError(f"{name!r} says nothing")
            if unknown := set(node.answers) - KEYS:
                raise ScriptError(f"{name!r} waits for keys no phone has: {sorted(unknown)}")
            if missing := {to for to in self._leads(node) if to not in self.nodes}:
                raise ScriptError(f"{name!r} leads to {sorted(missing)}, which is not there")
            self._ends_in_silence(name)

    @staticmethod
    def _leads(node: Node) -> Iterator[str]:
        yield from node.answers.values()
        yield from (to for to in (node.silent, node.other) if to is not None)

    def _ends_in_silence(self, name: str) -> None:
        passed = {name}
        follower = self.nodes[name].silent
        while follower is not None and follower in self.nodes:
            if follower in passed:
                raise ScriptError(f"{name!r} never ends while nobody answers")
            passed.add(follower)
            follower = self.nodes[follower].silent

    def lines(self) -> list[tuple[str, bool]]:
        """Every text and whether it is read slowly, each once: what has to be spoken before the call is dialled."""
        return list(dict.fromkeys((line, node.slow) for node in self.nodes.values() for line in node.says))

    def to_json(self) -> str:
        nodes = {
            name: {
                "says": list(node.says),
                "answers": dict(node.answers),
                "wait_ms": node.wait_ms,
                "silent": node.silent,
                "other": node.other,
                "slow": node.slow,
                "heard": node.heard,
                "leads_on": node.leads_on,
                "whole": node.whole,
            }
            for name, node in self.nodes.items()
        }
        return json.dumps({"start": self.start, "nodes": nodes}, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Script:
        """Raises ScriptError."""
        try:
            read = json.loads(text)
            nodes = {
                name: Node(
                    says=tuple(node["says"]),
                    answers=dict(node["answers"]),
                    wait_ms=int(node["wait_ms"]),
                    silent=node["silent"],
                    other=node["other"],
                    slow=bool(node["slow"]),
                    heard=bool(node["heard"]),
                    leads_on=bool(node.get("leads_on", False)),  # what waited in the queue before these words were
                    whole=bool(node.get("whole", False)),
                )
                for name, node in read["nodes"].items()
            }
            return cls(nodes, read["start"])
        except (ValueError, KeyError, TypeError, AttributeError) as broken:
            raise ScriptError("not a script") from broken


@dataclass(frozen=True, slots=True)
class Played:
    """All lines of the node were played to their end."""


@dataclass(frozen=True, slots=True)
class Pressed:
    key: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The time to answer is over."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The other side has gone."""


Happening = Played | Pressed | Silence | HungUp


@dataclass(frozen=True, slots=True)
class Say:
    lines: tuple[str, ...]
    slow: bool


@dataclass(frozen=True, slots=True)
class Listen:
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """The message was played whole for the first time."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A key that has a meaning here was pressed; `node`: where, since one key means many things in one call;
    `answers`: whether something was answered by it."""

    key: str
    node: str
    answers: bool = True


class Why(StrEnum):
    FINISHED = "finished"
    HUNG_UP = "hung_up"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class End:
    why: Why


Action = Say | Listen | Heard | Chosen | End


class Machine:
    """One call's walk through a script. After `End` nothing moves any more."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._name = script.start
        self._speaking = True
        self._steps = 0
        self._early: str | None = None
        self.heard = False
        self.ended: Why | None = None

    @property
    def _at(self) -> Node:
        return self._script.nodes[self._name]

    def begin(self) -> list[Action]:
        return self._enter(self._script.start)

    def on(self, happening: Happening) -> list[Action]:
        """What to do now. An empty list: go on with what you were doing."""
        if self.ended is not None:
            return []
        match happening:
            case Played():
                return self._played()
            case Pressed(key):
                return self._pressed(key)
            case Silence():
                return [] if self._speaking else self._lead(self._at.silent)
            case HungUp():
                return self._end(Why.HUNG_UP)

    def _played(self) -> list[Action]:
        if not self._speaking:
            return []
        self._speaking = False
        actions: list[Action] = []
        if self._at.heard and not self.heard:
            self.heard = True
            actions.append(Heard())
        if self._early is not None:
            return actions + self._pressed(self._early)
        return actions + ([Listen(self._at.wait_ms)] if self._at.asks else self._end(Why.FINISHED))

    def _pressed(self, key: str) -> list[Action]:
        if key in self._at.answers:
            if self._at.whole and self._speaking:
                self._early = key
                return []
            return [Chosen(key, self._name, not self._at.leads_on), *self._enter(self._at.answers[key])]
        return [] if self._at.other is None else self._enter(self._at.other)

    def _lead(self, to: str | None) -> list[Action]:
        return self._end(Why.FINISHED) if to is None else self._enter(to)

    def _enter(self, name: str) -> list[Action]:
        self._steps += 1
        if self._steps > MOST_STEPS:
            return self._end(Why.TOO_LONG)
        self._name = name
        self._speaking, self._early = True, None
        return [Say(self._at.says, self._at.slow)]

    def _end(self, why: Why) -> list[Action]:
        self.ended = why
        return [End(why)]
