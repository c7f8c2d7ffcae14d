"""Dataclasses of the domain to MessagePack and back, for journals and snapshots.

Law: what is on disk names itself. A dataclass is a map of field names; where a field may hold one of several
classes the value is `[class name, map]`. So a field may be added with a default, and an old file still reads.
Anything else that a file may say (a class or a value that we do not know) raises `CodecError`.

msgspec does the work in C for every type without such a choice inside; only the others pass through Python.
"""

import dataclasses
import types
from collections.abc import Callable
from typing import Any, Generic, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

__all__ = ["Choice", "Codec", "CodecError"]

T = TypeVar("T")
_Step = Callable[[Any], Any]


class CodecError(ValueError):
    """A file holds something this release cannot read."""


class Codec(Generic[T]):
    """Bytes of one dataclass type."""

    def __init__(self, of: type[T]) -> None:
        self._of = of
        self._pack = _packer(of)
        self._unpack = _unpacker(of)
        self._decoder = msgspec.msgpack.Decoder(of) if self._unpack is None else None

    def encode(self, value: T) -> bytes:
        return _ENCODER.encode(value if self._pack is None else self._pack(value))

    def decode(self, body: bytes | msgspec.Raw) -> T:
        """Raises CodecError."""
        try:
            if self._decoder is not None:
                return self._decoder.decode(body)
            assert self._unpack is not None
            value: T = self._unpack(msgspec.msgpack.decode(body))
            return value
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            raise CodecError(f"{self._of.__name__}: {error}") from error


class Choice(Generic[T]):
    """One of several dataclasses, as `[name, fields]`: all inputs, all facts or all commands."""

    def __init__(self, union: Any) -> None:
        members: tuple[type[T], ...] = get_args(union)
        self._by_name = {member.__name__: Codec(member) for member in members}
        self._packs = {member: _packer(member) for member in members}

    def plain(self, value: T) -> tuple[str, Any]:
        """What the encoder is to write for `value`."""
        kind = type(value)
        pack = self._packs[kind]
        return kind.__name__, value if pack is None else pack(value)

    def decode(self, name: str, body: msgspec.Raw) -> T:
        """Raises CodecError."""
        codec = self._by_name.get(name)
        if codec is None:
            raise CodecError(f"unknown name {name}: written by a newer release?")
        return codec.decode(body)


def _packer(of: Any) -> _Step | None:
    """A function that makes a value plain, or None when msgspec writes it rightly as it is."""
    origin, args = _shape(of)
    if origin is Union:
        return _choice_packer(args)
    if origin in (tuple, list, dict):
        step = _packer(args[-1] if origin is dict else args[0]) if args else None
        return None if step is None else _each(step, origin)
    if dataclasses.is_dataclass(of):
        return _fields_packer(of)
    return None


def _each(step: _Step, origin: Any) -> _Step:
    if origin is dict:
        return lambda values: {key: step(value) for key, value in values.items()}
    return lambda values: [step(value) for value in values]


def _fields_packer(of: Any) -> _Step | None:
    hints = get_type_hints(of)
    steps = [(f.name, _packer(hints[f.name])) for f in dataclasses.fields(of)]
    if all(step is None for _, step in steps):
        return None

    def pack(value: Any) -> dict[str, Any]:
        return {name: getattr(value, name) if step is None else step(getattr(value, name)) for name, step in steps}

    return pack


def _choice_packer(args: tuple[Any, ...]) -> _Step | None:
    classes = [arg for arg in args if dataclasses.is_dataclass(arg)]
    if len(classes) == 1 and len(args) == 2:
        step = _packer(classes[0])
        return None if step is None else lambda value: None if value is None else step(value)
    if not classes:
        return None
    steps = {of: _packer(of) for of in classes}

    def pack(value: Any) -> Any:
        if type(value) not in steps:
            return value
        step = steps[type(value)]
        return type(value).__name__, value if step is None else step(value)

    return pack


def _unpacker(of: Any) -> _Step | None:
    """The opposite of `_packer`, for the same types; None when msgspec reads the type by itself."""
    if _packer(of) is None:
        return None
    origin, args = _shape(of)
    if origin is Union:
        return _choice_unpacker(args)
    if origin in (tuple, list):
        step = _always(args[0])
        return lambda values: origin(step(value) for value in values)
    if origin is dict:
        key_step, step = _always(args[0]), _always(args[1])
        return lambda d: {key_step(key): step(value) for key, value in d.items()}
    return _fields_unpacker(of)


def _fields_unpacker(of: Any) -> _Step:
    hints = get_type_hints(of)
    steps = {f.name: _always(hints[f.name]) for f in dataclasses.fields(of) if f.init}

    def unpack(value: Any) -> Any:
        return of(**{name: steps[name](part) for name, part in value.items() if name in steps})

    return unpack


def _choice_unpacker(args: tuple[Any, ...]) -> _Step:
    classes = [arg for arg in args if dataclasses.is_dataclass(arg)]
    if len(classes) == 1 and len(args) == 2:
        only = _always(classes[0])
        return lambda value: None if value is None else only(value)
    steps = {of.__name__: _always(of) for of in classes if isinstance(of, type)}

    def unpack(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        name, fields = value
        if name not in steps:
            raise CodecError(f"unknown name {name}: written by a newer release?")
        return steps[name](fields)

    return unpack


def _always(of: Any) -> _Step:
    step = _unpacker(of)
    return step if step is not None else lambda value: msgspec.convert(value, of)


def _shape(of: Any) -> tuple[Any, tuple[Any, ...]]:
    """What kind of container a type is, seen through NewType."""
    while isinstance(of, NewType):
        of = of.__supertype__
    origin = get_origin(of)
    if origin in (Union, types.UnionType):
        return Union, get_args(of)
    return origin, get_args(of)


_ENCODER = msgspec.msgpack.Encoder()
