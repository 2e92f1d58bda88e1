"""Follows a pickle as data: its operations are read one by one, and nothing that it names is ever imported or called.

A checkpoint of PyTorch is a pickle, and a pickle is a program. Unpickling runs it; this does not. Tensors become notes
of where their numbers lie, and any name beyond those of tensors, dictionaries and plain numbers is only written down.
"""

from __future__ import annotations

import pickletools  # nosec B403  (lists the operations of a pickle; nothing is unpickled)
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple

import numpy as np

_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
}
_ELEMENT_NAMES = frozenset((
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
    "complex128"))
_LARGEST = 1 << 62
_MOST_AXES = 16
_PLAIN_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}


class PickleError(Exception):
    """A pickle that can't be followed to its end; its text is the reason."""


@dataclass(frozen=True)
class StorageNote:
    """Where the numbers of one or several tensors lie: the key of a file in the archive."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class TensorNote:
    """A tensor as a view of a storage."""

    storage: StorageNote
    offset: int
    shape: "Tuple[int, ...]"
    strides: "Tuple[int, ...]"


@dataclass(frozen=True)
class Followed:
    """What a pickle builds, and the names that it wanted to call beyond those that are known to be harmless."""

    value: Any
    refused: "Tuple[str, ...]"


@dataclass(frozen=True)
class _Name:
    """A function or class that a pickle names."""

    text: str


@dataclass(frozen=True)
class _Inert:
    """What a refused name would have returned."""


@dataclass
class _NumberKind:
    """NumPy's name of a kind of number, whose byte order is told later."""

    text: str
    order: str = "<"


@dataclass
class _State:
    """The stack, the stacks below it and the memo of a pickle machine."""

    stack: "List[Any]" = field(default_factory=list)
    below: "List[List[Any]]" = field(default_factory=list)
    memo: "Dict[int, Any]" = field(default_factory=dict)
    refused: "List[str]" = field(default_factory=list)

    def pop_mark(self) -> "List[Any]":
        """Return what lies above the last mark."""
        found, self.stack = self.stack, self.below.pop()
        return found

    def refuse(self, name: str) -> _Inert:
        """Write down a name that is not to be called."""
        if name not in self.refused:
            self.refused.append(name)
        return _Inert()


def follow(stream: BinaryIO) -> Followed:
    """Follow one pickle; raises PickleError where it breaks off before it names anything that is refused."""
    state = _State()
    try:
        for operation, argument, _ in pickletools.genops(stream):
            if operation.name == "STOP":
                return Followed(state.stack.pop(), tuple(state.refused))
            handler = _HANDLERS.get(operation.name)
            if handler is None:
                raise PickleError(f"it has the operation {operation.name}")
            handler(state, argument)
    except (PickleError, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        if state.refused:
            return Followed(None, tuple(state.refused))
        raise PickleError(str(error)[:100] if isinstance(error, PickleError) else "its operations don't fit") from error
    raise PickleError("it has no end")


# ---- operations


def _push(value: "Callable[[], Any]") -> "Callable[[_State, Any], None]":
    """Return an operation that pushes something new."""
    return lambda state, argument: state.stack.append(value())


def _push_argument(state: _State, argument: Any) -> None:
    """Push the operation's own argument."""
    state.stack.append(argument)


def _nothing(state: _State, argument: Any) -> None:
    """Do nothing."""


def _mark(state: _State, argument: Any) -> None:
    """Begin a stack above this one."""
    state.below.append(state.stack)
    state.stack = []


def _tuple(count: int) -> "Callable[[_State, Any], None]":
    """Return an operation that joins so many values."""
    def join(state: _State, argument: Any) -> None:
        """Replace the top of the stack."""
        if len(state.stack) < count:
            raise IndexError
        parts = state.stack[-count:]
        del state.stack[-count:]
        state.stack.append(tuple(parts))
    return join


def _marked(made: "Callable[[List[Any]], Any]") -> "Callable[[_State, Any], None]":
    """Return an operation that makes something of all above the mark."""
    def make(state: _State, argument: Any) -> None:
        """Replace the marked part of the stack."""
        parts = state.pop_mark()
        state.stack.append(made(parts))
    return make


def _pairs(parts: "List[Any]") -> "Dict[Any, Any]":
    """Return a dictionary of keys and values in turn."""
    if len(parts) % 2:
        raise ValueError
    return dict(zip(parts[::2], parts[1::2]))


def _put(state: _State, argument: Any) -> None:
    """Remember the top of the stack by a number."""
    state.memo[int(argument)] = state.stack[-1]


def _memoize(state: _State, argument: Any) -> None:
    """Remember the top of the stack by the next number."""
    state.memo[len(state.memo)] = state.stack[-1]


def _get(state: _State, argument: Any) -> None:
    """Push what is remembered."""
    state.stack.append(state.memo[int(argument)])


def _append(state: _State, argument: Any) -> None:
    """Append the top to the list below it."""
    value = state.stack.pop()
    _extend(state.stack[-1], [value])


def _appends(state: _State, argument: Any) -> None:
    """Append all above the mark."""
    values = state.pop_mark()
    _extend(state.stack[-1], values)


def _extend(target: Any, values: "List[Any]") -> None:
    """Lengthen a list; what a refused name would have returned takes anything."""
    if isinstance(target, list):
        target.extend(values)
    elif not isinstance(target, _Inert):
        raise TypeError


def _set_item(state: _State, argument: Any) -> None:
    """Set one entry."""
    value, key = state.stack.pop(), state.stack.pop()
    _update(state.stack[-1], {key: value})


def _set_items(state: _State, argument: Any) -> None:
    """Set all entries above the mark."""
    entries = _pairs(state.pop_mark())
    _update(state.stack[-1], entries)


def _update(target: Any, entries: "Dict[Any, Any]") -> None:
    """Set entries; what a refused name would have returned takes any."""
    if isinstance(target, dict):
        target.update(entries)
    elif not isinstance(target, _Inert):
        raise TypeError


def _pop(state: _State, argument: Any) -> None:
    """Drop the top, or the mark where nothing lies above it."""
    if state.stack:
        state.stack.pop()
    else:
        state.pop_mark()


def _global(state: _State, argument: Any) -> None:
    """Push a name that is written out."""
    module, _, name = str(argument).partition(" ")
    state.stack.append(_named(state, module, name))


def _stack_global(state: _State, argument: Any) -> None:
    """Push a name whose two parts lie on the stack."""
    name, module = state.stack.pop(), state.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise TypeError
    state.stack.append(_named(state, module, name))


def _named(state: _State, module: str, name: str) -> Any:
    """Return a name if it is one of the harmless ones."""
    text = f"{module}.{name}"
    if text in _CALLS or text in _DICTIONARIES or module in ("torch", "torch.cuda") and name in _STORAGES:
        return _Name(text)
    if module == "torch" and name in _ELEMENT_NAMES:
        return text
    return state.refuse(text)


def _reduce(state: _State, argument: Any) -> None:
    """Put what a call would return in the place of the call, without calling."""
    arguments, name = state.stack.pop(), state.stack.pop()
    if isinstance(name, _Inert):
        state.stack.append(name)
    elif isinstance(name, _Name) and name.text in _CALLS and isinstance(arguments, tuple):
        state.stack.append(_CALLS[name.text](*arguments))
    else:
        raise TypeError


def _build(state: _State, argument: Any) -> None:
    """Take in the state of an object: a dictionary's own attributes are dropped, a number's byte order is kept."""
    told, target = state.stack.pop(), state.stack[-1]
    if isinstance(target, _NumberKind):
        target.order = "<" if told[1] == "|" else told[1]
    elif not isinstance(target, (dict, _Inert, TensorNote)):
        raise TypeError


def _instance(state: _State, argument: Any) -> None:
    """Write down a class that was to be instantiated by its written name."""
    state.pop_mark()
    state.stack.append(state.refuse(str(argument).replace(" ", ".")))


def _object(state: _State, argument: Any) -> None:
    """Write down a class that was to be instantiated from the stack."""
    parts = state.pop_mark()
    state.stack.append(_refused_class(state, parts[0]))


def _new_object(count: int) -> "Callable[[_State, Any], None]":
    """Return an operation that writes down a class whose arguments lie above it."""
    def make(state: _State, argument: Any) -> None:
        """Drop the arguments and keep an inert value."""
        del state.stack[-count:]
        name = state.stack.pop()
        plain = isinstance(name, _Name) and name.text in _DICTIONARIES
        state.stack.append({} if plain else _refused_class(state, name))
    return make


def _refused_class(state: _State, name: Any) -> _Inert:
    """Write down a class."""
    if isinstance(name, _Inert):
        return name
    if not isinstance(name, _Name):
        raise TypeError
    return state.refuse(name.text)


def _extension(state: _State, argument: Any) -> None:
    """Write down a name that only the reading program's own registry could tell."""
    state.stack.append(state.refuse(f"the registered extension {argument}"))


def _persistent(state: _State, argument: Any) -> None:
    """Push the note of a storage, which PyTorch stores as an id of five parts."""
    word, kind, key, _, count = state.stack.pop()
    if word != "storage" or not isinstance(key, str) or not _sensible(count):
        raise TypeError
    if isinstance(kind, _Inert):
        state.stack.append(kind)
        return
    state.stack.append(StorageNote(_STORAGES[kind.text.rpartition(".")[2]], key, count))


# ---- what known names return


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Any:
    """Return the note of a tensor."""
    if isinstance(storage, _Inert):
        return storage
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, StorageNote) or len(shape) != len(strides) or len(shape) > _MOST_AXES or not all(
            _sensible(number) for number in numbers):
        raise TypeError
    return TensorNote(storage, offset, tuple(shape), tuple(strides))


def _sensible(number: Any) -> bool:
    """Tell whether something is a whole number that a file can have of anything."""
    return isinstance(number, int) and 0 <= number < _LARGEST


def _path(*parts: Any) -> str:
    """Return a path as text."""
    return "/".join(str(part) for part in parts)


def _first(value: Any, *_: Any) -> Any:
    """Return a parameter's tensor."""
    return value


def _ordered(pairs: Any = ()) -> "Dict[Any, Any]":
    """Return a dictionary of pairs."""
    return dict(pairs)


def _text(value: Any = "", *_: Any) -> str:
    """Return the name of a device."""
    return str(value)


def _size(values: Any = ()) -> "Tuple[Any, ...]":
    """Return a shape."""
    return tuple(values)


def _values(values: Any = ()) -> "List[Any]":
    """Return the values of a set, which is not asked for its order."""
    return list(values)


def _encoded(value: str, coding: str = "latin1") -> bytes:
    """Return bytes that an old protocol wrote as text."""
    return value.encode("latin1") if coding in ("latin1", "latin-1") else b""


def _number_kind(text: Any, *_: Any) -> _NumberKind:
    """Return a kind of number."""
    return _NumberKind(str(text))


def _number(kind: _NumberKind, raw: bytes) -> Any:
    """Return one plain number of NumPy."""
    name = kind.text.lstrip("<>|=")
    if name not in _PLAIN_NUMBERS or kind.order not in "<>=":
        raise TypeError
    return np.frombuffer(raw, np.dtype(name).newbyteorder(kind.order), 1)[0].item()


# Dictionaries under another name: Lightning keeps a model's settings in one, and Python the arguments of a call.
_DICTIONARIES = frozenset((
    "collections.OrderedDict", "argparse.Namespace", "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict", "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict"))
_CALLS: "Dict[str, Callable[..., Any]]" = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch.Size": _size,
    "torch.device": _text,
    "builtins.set": _values,
    "__builtin__.set": _values,
    "_codecs.encode": _encoded,
    "numpy.dtype": _number_kind,
    "numpy.core.multiarray.scalar": _number,
    "numpy._core.multiarray.scalar": _number,
    **{f"{module}.{kind}": _path for module in ("pathlib", "pathlib._local")
       for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")},
}


def _constant(value: Any) -> "Callable[[_State, Any], None]":
    """Return an operation that pushes a constant."""
    return lambda state, argument: state.stack.append(value)


_HANDLERS: "Dict[str, Callable[[_State, Optional[Any]], None]]" = {
    "PROTO": _nothing, "FRAME": _nothing, "MARK": _mark, "POP": _pop,
    "POP_MARK": lambda state, argument: state.pop_mark() and None,
    "NONE": _constant(None), "NEWTRUE": _constant(True), "NEWFALSE": _constant(False),
    "EMPTY_DICT": _push(dict), "EMPTY_LIST": _push(list), "EMPTY_TUPLE": _constant(()), "EMPTY_SET": _push(list),
    "TUPLE": _marked(tuple), "TUPLE1": _tuple(1), "TUPLE2": _tuple(2), "TUPLE3": _tuple(3), "LIST": _marked(list),
    "DICT": _marked(_pairs), "FROZENSET": _marked(list), "ADDITEMS": _appends, "APPEND": _append, "APPENDS": _appends,
    "SETITEM": _set_item, "SETITEMS": _set_items, "GLOBAL": _global, "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce, "BUILD": _build, "INST": _instance, "OBJ": _object, "NEWOBJ": _new_object(1),
    "NEWOBJ_EX": _new_object(2), "EXT1": _extension, "EXT2": _extension, "EXT4": _extension,
    "BINPERSID": _persistent, "MEMOIZE": _memoize,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put), **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
    **dict.fromkeys((
        "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
        "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
        "BINBYTES8", "BYTEARRAY8"), _push_argument),
}
