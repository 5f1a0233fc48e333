"""Which measured call is made within which: what holds while a call runs, in context variables.

The rule of which layer counts is in bindings/llm/nesting.h; a request by hand is found in C (ext/block.c).
"""
from __future__ import annotations

import weakref
from contextvars import ContextVar, Token
from typing import Any, Generic, Optional, Protocol, TypeVar

from ._orbus import Call, same_bus

_Value = TypeVar("_Value")


class Scope(Generic[_Value]):
    """A value that holds while a call runs, in a context variable.

    An interrupt may come at any moment, also before the variable is set back. So the variable refers to the
    scope weakly, and what is over holds no more. The caller keeps this form, in which an interrupt of the
    block's beginning or end is caught too:

        try:
            with scope:
                ...
        except BaseException:
            scope.is_over = True
            raise
    """

    __slots__ = ("is_over", "outer", "value", "_variable", "_token", "__weakref__")

    def __init__(self, variable: Variable[_Value], value: _Value) -> None:
        self.is_over = False
        self.value = value
        self.outer: weakref.ref[Scope[_Value]] | None = None  # what held before
        self._variable = variable
        self._token: Token[Any] | None = None

    def __enter__(self) -> None:
        self.outer = self._variable.get(None)
        self._token = self._variable.set(weakref.ref(self))

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        try:
            if self._token is not None:
                self._variable.reset(self._token)
        except ValueError:
            pass  # a coroutine may be closed in another context than it ran in: nothing is to undo there


Variable = ContextVar[Optional["weakref.ref[Scope[_Value]]"]]


def current(variable: Variable[_Value]) -> _Value | None:
    """The value that holds now."""
    reference = variable.get(None)
    scope = reference() if reference is not None else None
    return None if scope is None or scope.is_over else scope.value


class Layer(Protocol):
    """A measurement of _instrument.py."""

    call: Call

    @property
    def bus(self) -> str | None: ...


# The measurement of the call that is being handed on to the network: a call within takes its place.
layer: Variable[Layer] = ContextVar("orbus.layer", default=None)


def layer_of(bus: str | None) -> Layer | None:
    """The innermost measurement, of those that are being handed on, that is published on this bus."""
    reference = layer.get(None)
    while reference is not None:
        scope = reference()
        if scope is None:
            return None
        if not scope.is_over and same_bus(scope.value.bus, bus):
            return scope.value
        reference = scope.outer
    return None
