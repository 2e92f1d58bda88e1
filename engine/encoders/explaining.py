"""Explains a foreign graph's inputs and output by rules, so that people are asked only for what no rule tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Sequence

from ..card import ModelInput
from ..errors import InputError, ModelError
from ..onnxfile import OnnxFacts
from ..onnxgraph import Value

IMAGE_TYPES = ("float32", "float16", "float64", "uint8", "uint16", "int8", "int16", "int32")
OUTPUT_NAMES = ("embedding", "embeddings", "features", "last_hidden_state", "tokens", "image_embeds",
                "image_embeddings", "pooler_output")
IMAGE_NAMES = ("image", "images", "pixel_values", "pixels", "input", "x", "cube", "img", "chips")
LARGEST_LEADING = 8
_RULES = (
    ("mask", re.compile(r"mask|valid")), ("wavelengths", re.compile(r"wave|wvl|lambda")),
    ("gsd", re.compile(r"gsd|resolution|pixel_?size")), ("time", re.compile(r"time|temporal|date|doy|week")),
    ("latlon", re.compile(r"lat|lon|location|coord|place")))


@dataclass(frozen=True)
class Tokens:
    """How a run of tokens divides: `leading` ones that are no patches, then a square of `side` patches a side."""

    leading: int
    side: int


def explain_inputs(facts: OnnxFacts, bands: int, dates: int = 0, axes: str = "") -> "tuple[ModelInput, ...]":
    """Say what every input of a graph takes, or name the first that no rule explains.

    `bands` is 0 while it is unknown; `dates` is the user's number of dates, 0 if not given; `axes` orders the
    image's axes where two orders are possible.
    """
    if not facts.inputs:
        raise ModelError("inputs-none", "{path} has no input: export the encoder again with its image as input.",
                         path=facts.path)
    image = _image_value(facts)
    explained = []
    for value in facts.inputs:
        if value is image:
            explained.append(_image_input(facts, value, bands, dates, axes))
        else:
            explained.append(_extra_input(facts, value, bands))
    return tuple(explained)


def band_count(facts: OnnxFacts) -> int:
    """Return how many bands the image has by the graph's own shape, 0 where it leaves that open or unclear."""
    shape = _sizes(_image_value(facts))
    if len(shape) == 4:
        return shape[1] if shape[1] > 0 and not (0 < shape[3] < shape[1] and shape[3] <= 16) else max(shape[3], 0)
    return shape[1] if shape[1] > 0 and shape[1] == shape[2] else 0


def choose_output(facts: OnnxFacts, asked: str = "") -> Value:
    """Return the output that holds the vectors: the one asked for, the only one, or one with a telling name."""
    by_name = {value.name: value for value in facts.outputs}
    if asked:
        if asked not in by_name:
            raise InputError("output-unknown", "{path} has no output {asked}: its outputs are {known}.",
                             path=facts.path, asked=asked, known=", ".join(by_name))
        return by_name[asked]
    if len(facts.outputs) == 1:
        return facts.outputs[0]
    for name in OUTPUT_NAMES:
        if name in by_name:
            return by_name[name]
    raise InputError("output-several", "{path} has the outputs {known}: say in OUTPUT_NAME which holds the vectors.",
                     path=facts.path, known=", ".join(by_name))


def divide_tokens(count: int, tile: int, dates: int = 1, patch: int = 0, leading: int = -1) -> "tuple[Tokens, ...]":
    """Return the ways in which tokens divide into a few leading ones and squares of patches that fill the tile."""
    found = []
    for side in range(1, tile + 1):
        rest = count - dates * side * side
        if rest < 0:
            break
        if tile % side or rest > max(LARGEST_LEADING, leading) or tile // side < 2:
            continue
        if (patch and tile // side != patch) or (leading >= 0 and rest != leading):
            continue
        found.append(Tokens(rest, side))
    return tuple(found)


def _image_value(facts: OnnxFacts) -> Value:
    """Return the input that takes the pixels."""
    candidates = [value for value in facts.inputs if len(_sizes(value)) in (4, 5) and value.kind in IMAGE_TYPES
                  and not _RULES[0][1].search(value.name.lower())]
    if len(candidates) > 1:
        named = [value for value in candidates if value.name.lower() in IMAGE_NAMES]
        candidates = named if len(named) == 1 else candidates
    if len(candidates) == 1:
        return candidates[0]
    shapes = "; ".join(f"{value.name} {_words(value)}" for value in facts.inputs)
    raise ModelError("image-unclear", "{path} has {count} inputs that could take an image of 4 or 5 axes ({shapes}): "
                     "export the encoder with one image input (batch, bands, height, width), or bring a card for it.",
                     path=facts.path, count=len(candidates), shapes=shapes)


def _image_input(facts: OnnxFacts, value: Value, bands: int, dates: int, axes: str) -> ModelInput:
    """Name the axes of the image."""
    shape = _sizes(value)
    if axes:
        order = tuple(part for part in re.split(r"[\s;,]+", axes.strip()) if part)
    elif len(shape) == 4:
        order = _order_of_four(shape, bands)
    else:
        order = _order_of_five(facts, value, shape, bands, dates)
    if len(order) != len(shape):
        raise InputError("axes-count", "AXES names {found} axes, but the input {name} of {path} has {wanted}: name "
                         "them in order, such as batch;bands;height;width.", found=len(order), name=value.name,
                         path=facts.path, wanted=len(shape))
    known = {"batch", "bands", "height", "width"} | ({"time"} if len(shape) == 5 else set())
    if set(order) != known:
        raise InputError("axes-names", "AXES names {found}, but the axes of an image are {known}: name each once.",
                         found=", ".join(order), known=", ".join(sorted(known)))
    return ModelInput(value.name, "image", shape, order, value.kind)


def _order_of_four(shape: "Sequence[int]", bands: int) -> "tuple[str, ...]":
    """Tell bands first from bands last."""
    last = shape[3] == bands != shape[1] if bands else 0 < shape[3] <= 16 and not 0 < shape[1] <= 16 and shape[1] != -1
    return ("batch", "height", "width", "bands") if last else ("batch", "bands", "height", "width")


def _order_of_five(facts: OnnxFacts, value: Value, shape: "Sequence[int]", bands: int,
                   dates: int) -> "tuple[str, ...]":
    """Tell (N, C, T, H, W) from (N, T, C, H, W) by the numbers of bands and dates."""
    bands_first = ("batch", "bands", "time", "height", "width")
    dates_first = ("batch", "time", "bands", "height", "width")
    sizes = ((bands_first, shape[1], shape[2]), (dates_first, shape[2], shape[1]))
    fits = [order for order, band_size, date_size in sizes
            if band_size in (-1, bands or band_size) and date_size in (-1, dates or date_size)]
    exact = [order for order, band_size, _ in sizes if band_size == bands and order in fits]
    for choice in (fits, exact):
        if len(choice) == 1:
            return choice[0]
    raise InputError("axes-unclear", "The input {name} of {path} has the shape {shape}, and bands and dates can't be "
                     "told apart in it: say in AXES batch;bands;time;height;width or batch;time;bands;height;width.",
                     name=value.name, path=facts.path, shape=_words(value))


def _extra_input(facts: OnnxFacts, value: Value, bands: int) -> ModelInput:
    """Explain an input beside the image by its name and shape."""
    shape = _sizes(value)
    name = value.name.lower()
    role = next((role for role, pattern in _RULES if pattern.search(name)), "")
    found: "Optional[ModelInput]" = None
    if role == "mask":
        found = _mask_input(value, shape)
    elif role == "wavelengths" and len(shape) in (1, 2) and shape[-1] in (-1, bands or shape[-1]):
        found = ModelInput(value.name, role, shape, ("batch", "value")[-len(shape):], value.kind,
                           "nm" if re.search(r"nm|nano", name) else "um")
    elif role == "gsd" and len(shape) <= 2 and (not shape or shape[-1] in (-1, 1)):
        order = ((), ("value",) if shape == (1,) else ("batch",), ("batch", "value"))[len(shape)]
        found = ModelInput(value.name, role, shape, order, value.kind, "m")
    elif role == "time" and len(shape) in (2, 3) and shape[-1] in (2, 4):
        order = ("batch", "value") if len(shape) == 2 else ("batch", "time", "value")
        found = ModelInput(value.name, role, shape, order, value.kind, "sincos" if shape[-1] == 4 else "year-doy")
    elif role == "latlon" and len(shape) == 2 and shape[-1] in (2, 4) and not re.search(r"lon.*lat|^x_?y", name):
        found = ModelInput(value.name, role, shape, ("batch", "value"), value.kind,
                           "sincos" if shape[-1] == 4 else "degrees")
    if found is None:
        raise ModelError(
            "input-unexplained", "The input {name} of {path} ({kind} {shape}) is explained by no rule (image, mask, "
            "wavelengths, pixel size, time, latitude and longitude): bring a card that explains it in earthprint.aux, "
            "or export the encoder without it.", name=value.name, path=facts.path, kind=value.kind,
            shape=_words(value))
    return found


def _mask_input(value: Value, shape: "tuple[int, ...]") -> Optional[ModelInput]:
    """Explain a mask of valid pixels."""
    if value.kind not in ("float32", "uint8", "bool"):
        return None
    orders = {4: ("batch", "bands", "height", "width"), 3: ("batch", "height", "width")}
    if len(shape) not in orders or (len(shape) == 4 and shape[1] not in (1, -1)):
        return None
    return ModelInput(value.name, "mask", shape, orders[len(shape)], value.kind)


def _sizes(value: Value) -> "tuple[int, ...]":
    """Return a shape with −1 for free axes; an input without a shape has none that a rule could use."""
    return tuple(size if isinstance(size, int) and size > 0 else -1 for size in value.shape or ())


def _words(value: Value) -> str:
    """Return a shape for a message."""
    return "[" + ", ".join(str(size) for size in value.shape or ()) + "]"
