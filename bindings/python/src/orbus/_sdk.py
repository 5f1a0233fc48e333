"""Clients of SDKs that hold an httpx client inside, as openai, anthropic, groq and others of the same make do.

Several of them may share one httpx client: the copies that with_options() makes, and clients of frameworks
that keep one for all. So it is the SDK's client that says whose call it is: while its request() runs, a
context variable names the target, and the hook in the httpx client looks there first. Copies of it are
measured as it is. Three attributes of the client are set, and deleted by detach().
"""
from __future__ import annotations

from functools import wraps
from typing import Any, Callable

from ._httpx import Hook, asked
from ._instrument import Target
from ._instrument import attach as attach_any
from ._nesting import Scope

_NAMES = ("request", "copy", "with_options")
_MARK = "_orbus"  # of the functions that are set: the hook, and the attribute that was there before


def attach(client: Any, hook: Hook, target: Target) -> None:
    detach(client)
    for name in _NAMES:
        prior = vars(client).get(name)
        own = getattr(client, name)  # it holds the client, as the resources that the client keeps do
        if name != "request":
            wrapped = _copying(own, target)
        elif hook.is_async:
            wrapped = _asking_async(own, hook, target)
        else:
            wrapped = _asking(own, hook, target)
        wrapped = wraps(prior or getattr(type(client), name))(wrapped)
        setattr(wrapped, _MARK, (hook, prior))
        setattr(client, name, wrapped)
    hook.users += 1


def detach(client: Any) -> None:
    hook = None
    for name in _NAMES:
        mark = getattr(vars(client).get(name), _MARK, None)
        if mark is not None:
            hook, prior = mark
            delattr(client, name)
            if prior:
                setattr(client, name, prior)
    if hook:
        hook.users -= 1
        hook.remove_if_unused()


def _asking(own: Callable[..., Any], hook: Hook, target: Target) -> Callable[..., Any]:
    def request(*arguments: Any, **options: Any) -> Any:
        scope = Scope(asked, (hook, target))
        try:
            with scope:
                return own(*arguments, **options)
        except BaseException:
            scope.is_over = True
            raise
    return request


def _asking_async(own: Callable[..., Any], hook: Hook, target: Target) -> Callable[..., Any]:
    async def request(*arguments: Any, **options: Any) -> Any:
        scope = Scope(asked, (hook, target))
        try:
            with scope:
                return await own(*arguments, **options)
        except BaseException:
            scope.is_over = True
            raise
    return request


def _copying(own: Callable[..., Any], target: Target) -> Callable[..., Any]:
    def copy(*arguments: Any, **options: Any) -> Any:
        made = own(*arguments, **options)
        try:
            attach_any(made, target)
        except Exception as error:
            target.drop(error)
        return made
    return copy
