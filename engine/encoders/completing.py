"""Completes the card of a graph from what rules, a template, a trial run and the user's answers tell."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Sequence, Union

import numpy as np

from ..band_names import identify
from ..card import CHIP, DENSE, Card, CardBand, ModelInput, ModelOutput, Scaling
from ..card_check import COMMON_NAMES, check_card, safe_id, safe_name
from ..errors import CardError, InputError, ModelError
from ..onnxfile import OnnxFacts
from ..onnxgraph import Value
from ..progress import Progress
from ..scaling_json import ScalingError, parse_steps
from .add_request import AddRequest
from .explaining import Tokens, band_count, choose_output, divide_tokens, explain_inputs
from .session import Session
from .trial import plausible_tiles, raw_output, stride_and_halo

MAP_TILE = 128
SUGGESTED_TILE = 256
STRIDES = (1, 2, 4, 7, 8, 14, 16, 32)


@dataclass(frozen=True)
class Question:
    """Something that only the user knows: the parameter that answers it, and what to write there."""

    parameter: str
    text: str


@dataclass(frozen=True)
class _Layout:
    """How the vectors lie in the output, as a trial run showed."""

    order: "tuple[str, ...]"
    shape: "tuple[int, ...]"
    kind: str
    stride: int
    halo: int = 0
    tokens_drop: int = 0
    pooling: str = "none"

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.shape[self.order.index("embedding")]


def questions_about(request: AddRequest, facts: OnnxFacts) -> "tuple[Question, ...]":
    """Return what must be asked before a graph without any card can even be tried."""
    found = []
    count = band_count(facts)
    if not request.bands.strip():
        names = f"the names of the {count} bands" if count else "the names of the bands"
        found.append(Question("BANDS", f"{names} in the encoder's order, such as B02;B03;B04"))
    if not request.unit.strip():
        found.append(Question("UNIT", "the unit of the pixels it takes, such as reflectance x 10000, DN or dB"))
    if not request.scaling.strip() and not (request.mean.strip() and request.std.strip()):
        found.append(Question("MEAN and STD, or SCALING", "the numbers that it subtracts and divides by, or steps such "
                              "as scale 10000, or none where the graph takes raw values"))
    return tuple(found)


def complete(request: AddRequest, facts: OnnxFacts, template: Optional[Card], session: Session,
             progress: Progress) -> Card:
    """Return a checked card for a graph, or ask in words for what is still unknown."""
    bands = _bands(request, template, facts)
    scaling = _scaling(request, template, len(bands))
    inputs = explain_inputs(facts, len(bands), request.dates, request.axes)
    inputs = _encoded(inputs, template)
    image = next(item for item in inputs if item.role == "image")
    tile = _tile(image, request, template, facts)
    dates = _dates(image, request.dates or (template.dates if template is not None else 0), len(bands))
    output = choose_output(facts, request.output_name)
    stem = safe_id(Path(facts.path).stem)
    draft = replace(template, path=None) if template is not None else Card(
        id=stem, name=safe_name(Path(facts.path).stem), path=None, model_path=Path(facts.path), checksum="", bands=(),
        inputs=(), output=ModelOutput(output.name, (), ()), kind=CHIP, dimensions=1, stride=1,
        architecture=f"ONNX graph by {facts.producer}" if facts.producer else "ONNX graph")
    fixed = max(image.shape[image.dim_order.index("height")], 0)
    draft = replace(
        draft, model_path=Path(facts.path), bands=bands, inputs=inputs, scaling=scaling, dates=dates, tile=fixed,
        suggested_tile=0 if fixed else tile, halo=0, tokens_drop=0,
        metric=request.metric or draft.metric, licence=request.licence or draft.licence)
    _require_wavelengths(draft)
    layout = _layout(request, template, draft, output, session, tile, facts)
    _require_template(layout, template, facts)
    cells = max(((tile or SUGGESTED_TILE) - 2 * layout.halo) // layout.stride, 1)
    suggested = 0 if fixed else layout.stride * cells + 2 * layout.halo
    card = replace(
        draft, output=ModelOutput(output.name, _declared(layout, output, draft), layout.order, output.kind),
        kind=layout.kind, dimensions=layout.dimensions, stride=layout.stride, halo=layout.halo,
        tokens_drop=layout.tokens_drop, pooling=layout.pooling, suggested_tile=suggested, finite_context=False,
        context=0)
    check_card(card, card.id)
    progress.info(_account(card))
    return card


def ask(questions: "Sequence[Question]", facts: OnnxFacts, similar: "Sequence[str]" = ()) -> None:
    """Raise one error that asks for everything at once; `similar` are cards that the graph could be meant by."""
    if questions:
        wanted = "; ".join(f"{question.parameter} ({question.text})" for question in questions)
        card = f"CARD, such as {' or '.join(similar[:3])}" if similar else "CARD"
        raise InputError("encoder-questions", "{path} doesn't tell everything that is needed: give {wanted}, or name "
                         "its {card}.", path=facts.path, wanted=wanted, card=card)


def _bands(request: AddRequest, template: Optional[Card], facts: OnnxFacts) -> "tuple[CardBand, ...]":
    """Return the bands from the answers, or those of the template."""
    if template is not None and not request.bands.strip():
        return template.bands
    names = _parts(request.bands)
    count = band_count(facts)
    if count and len(names) != count:
        raise InputError("bands-count", "BANDS names {found} bands, but {path} takes {count}: name {count} in its "
                                        "order.",
                         found=len(names), path=facts.path, count=count)
    known = identify(names, [None] * len(names))
    lengths = _numbers(request.wavelengths, "WAVELENGTHS", len(names)) if request.wavelengths.strip() else None
    units = _spread(_parts(request.unit), len(names), "UNIT")
    limits = _numbers(request.valid_range, "VALID_RANGE", 2) if request.valid_range.strip() else (None, None)
    bands = []
    for number, (name, guess) in enumerate(zip(names, known)):
        length = guess.wavelength_um if lengths is None else lengths[number]
        if length is not None and length > 100 and lengths is not None:
            length = length / 1000
        common = guess.common_name if guess.common_name in COMMON_NAMES else ""
        bands.append(CardBand(name, common, None if length is None else round(length, 6), units[number], *limits))
    return tuple(bands)


def _scaling(request: AddRequest, template: Optional[Card], bands: int) -> Scaling:
    """Return the normalisation from the answers, or that of the template."""
    steps, mean, std = request.scaling.strip(), request.mean.strip(), request.std.strip()
    if not steps and not mean and not std:
        return template.scaling if template is not None else Scaling()
    if bool(mean) != bool(std):
        raise InputError("scaling-half", "MEAN and STD belong together: give both.")
    try:
        first = parse_steps(steps) if steps and steps.lower() != "none" else Scaling()
    except ScalingError as error:
        raise InputError("scaling-steps", "SCALING can't be used: {reason}.", reason=error) from error
    if not mean:
        return first
    means, deviations = _numbers(mean, "MEAN", bands), _numbers(std, "STD", bands)
    if any(value == 0 for value in deviations):
        raise InputError("scaling-zero", "STD holds a 0: give the standard deviations of the bands.")
    if first.clip_after is not None:
        raise InputError("scaling-clip", "SCALING ends in a clip and is followed by MEAN and STD: write the clip "
                         "before the other steps.")
    shift, divisor = first.shift[0], first.divisor[0]
    return Scaling(tuple(shift + value * divisor for value in means), tuple(divisor * value for value in deviations),
                   clip_before=first.clip_before)


def _encoded(inputs: "tuple[ModelInput, ...]", template: Optional[Card]) -> "tuple[ModelInput, ...]":
    """Take over how the template's extra inputs are encoded where the role is the same."""
    if template is None:
        return inputs
    known = {item.role: item.encoding for item in template.inputs}
    return tuple(item if item.role not in known else replace(item, encoding=known[item.role]) for item in inputs)


def _tile(image: ModelInput, request: AddRequest, template: Optional[Card], facts: OnnxFacts) -> int:
    """Return the size of the tiles to try with."""
    height, width = (image.shape[image.dim_order.index(axis)] for axis in ("height", "width"))
    if height > 0 or width > 0:
        if request.tile and request.tile != height:
            raise InputError("tile-fixed", "TILE is {asked}, but {path} takes only tiles of {fixed} pixels: leave TILE "
                             "empty.", asked=request.tile, path=facts.path, fixed=height)
        return height
    if request.tile:
        return request.tile
    return (template.tile or template.suggested_tile) if template is not None else 0


def _dates(image: ModelInput, dates: int, bands: int) -> int:
    """Return how many dates the image takes."""
    if "time" in image.dim_order:
        size = image.shape[image.dim_order.index("time")]
        return size if size > 0 else max(dates, 1)
    size = image.shape[image.dim_order.index("bands")]
    return dates if dates > 1 and size == dates * bands else 1


def _require_wavelengths(card: Card) -> None:
    """Ask for wavelengths where the graph wants them and the names of the bands don't tell."""
    missing = [band.name for band in card.bands if band.wavelength_um is None]
    if missing and any(item.role == "wavelengths" for item in card.inputs):
        raise InputError("wavelengths-missing", "The encoder {path} wants the wavelengths of its bands, and that of "
                         "{names} isn't known: give WAVELENGTHS in micrometres, one per band, separated by “;”.",
                         path=card.model_path, names=", ".join(missing))


def _layout(request: AddRequest, template: Optional[Card], draft: Card, output: Value, session: Session, tile: int,
            facts: OnnxFacts) -> _Layout:
    """Run the graph and say how vectors lie in what it returns."""
    rank = len(output.shape) if output.shape is not None else 0
    if not tile and rank != 4:
        ask((Question("TILE", "the size in pixels of the tiles that it was trained on, since it takes any"),), facts)
    size = tile or MAP_TILE
    array = _run(draft, session, size, output)
    if array.ndim == 2:
        return _Layout(("batch", "embedding"), array.shape, CHIP, size)
    if array.ndim == 3:
        return _token_layout(request, template, draft, array, size, facts)
    if array.ndim in (4, 5):
        return _map_layout(request, template, draft, array, session, output, size, facts)
    raise ModelError("output-rank", "The output {name} of {path} has {rank} axes ({shape}); vectors lie in (batch, "
                     "embedding), (batch, tokens, embedding) or (batch, embedding, rows, columns): choose another with "
                     "OUTPUT_NAME or export the encoder again.", name=output.name, path=facts.path, rank=array.ndim,
                     shape=list(array.shape))


def _run(draft: Card, session: Session, size: int, output: Value) -> np.ndarray:
    """Return the output for one plausible tile; a graph with a fixed batch gets as many."""
    return raw_output(draft, session, plausible_tiles(draft, 1, size), output.name)


def _token_layout(request: AddRequest, template: Optional[Card], draft: Card, array: np.ndarray, size: int,
                  facts: OnnxFacts) -> _Layout:
    """Tell class tokens and registers from patches by their number."""
    patch = request.patch or (template.stride if template is not None and template.kind == DENSE else 0)
    leading = request.tokens_drop
    pooling = request.pooling or (template.pooling if template is not None else "none")
    found: "list[tuple[tuple[str, ...], Tokens]]" = []
    for order in (("batch", "token", "embedding"), ("batch", "embedding", "token")):
        count = array.shape[order.index("token")]
        found += [(order, tokens) for tokens in divide_tokens(count, size, draft.dates, patch, leading)]
        if found:
            break
    if not found and pooling not in ("none", ""):
        drop = max(leading, 0)
        return _Layout(("batch", "token", "embedding"), array.shape, CHIP, size, 0, drop, pooling)
    if len(found) != 1:
        choices = " or ".join(f"PATCH {size // tokens.side} with TOKENS_DROP {tokens.leading}" for _, tokens in found)
        raise InputError(
            "tokens-unclear", "{path} returns {count} tokens for a tile of {size} pixels, and {what}: give PATCH "
            "(pixels a patch) and TOKENS_DROP (class token and registers before the patches), or POOLING cls or mean "
            "for one vector a tile.", path=facts.path, count=array.shape[1], size=size,
            what=f"that could be {choices}" if found else "no square of patches with a few leading tokens gives that")
    order, tokens = found[0]
    if pooling in ("none", ""):
        return _Layout(order, array.shape, DENSE, size // tokens.side, 0, tokens.leading)
    return _Layout(order, array.shape, CHIP, size, 0, tokens.leading, pooling)


def _map_layout(request: AddRequest, template: Optional[Card], draft: Card, array: np.ndarray, session: Session,
                output: Value, size: int, facts: OnnxFacts) -> _Layout:
    """Find rows and columns in a map, and its stride and halo."""
    order = _map_order(array, draft)
    pooling = request.pooling or "none"
    rows, cols = (array.shape[order.index(axis)] for axis in ("height", "width"))
    if pooling != "none" or rows * cols == 1:
        return _Layout(order, array.shape, CHIP, size, 0, 0, pooling)
    wanted = request.patch or (template.stride if template is not None and template.kind == DENSE else 0)
    if draft.tile:
        stride, halo = _fixed_stride(rows, size, wanted, facts)
    else:
        measured = None
        for factor in (1, 2, 4):
            measured = measured or stride_and_halo(
                lambda side: _run(draft, session, side, output).shape[order.index("height")], factor * size, wanted)
        if measured is None:
            raise ModelError("map-uneven", "The map that {path} returns doesn't grow evenly with its tile, or its "
                             "cells lie half a pixel off: export it with a fixed tile and symmetric padding.",
                             path=facts.path)
        stride, halo = measured
        if wanted and wanted != stride:
            raise InputError("patch-differs", "PATCH is {wanted}, but a cell of {path} is {found} pixels: leave PATCH "
                             "empty.", wanted=wanted, path=facts.path, found=stride)
    return _Layout(order, array.shape, DENSE, stride, halo)


def _map_order(array: np.ndarray, draft: Card) -> "tuple[str, ...]":
    """Tell (N, D, h, w) from (N, h, w, D), with or without dates."""
    shape = array.shape
    if array.ndim == 4:
        last = shape[1] == shape[2] != shape[3]
        return ("batch", "height", "width", "embedding") if last else ("batch", "embedding", "height", "width")
    if shape[1] == draft.dates or shape[2] != draft.dates:
        return ("batch", "time", "embedding", "height", "width")
    return ("batch", "embedding", "time", "height", "width")


def _fixed_stride(rows: int, size: int, wanted: int, facts: OnnxFacts) -> "tuple[int, int]":
    """Return stride and halo of a map from a tile of one size only."""
    strides = (wanted,) if wanted else tuple(sorted({size // rows, *STRIDES}))
    found = [(stride, (size - rows * stride) // 2) for stride in strides
             if rows * stride <= size and (size - rows * stride) % 2 == 0]
    exact = [pair for pair in found if pair[1] == 0]
    if exact:
        return exact[0]
    close = [pair for pair in found if pair[1] < 2 * pair[0]]
    if len(close) == 1:
        return close[0]
    raise InputError("stride-unclear", "{path} returns {rows} rows for a tile of {size} pixels, which doesn't tell how "
                     "many pixels a cell is: give PATCH.", path=facts.path, rows=rows, size=size)


def _require_template(layout: _Layout, template: Optional[Card], facts: OnnxFacts) -> None:
    """Raise where a file can't be the encoder that a template describes."""
    if template is None or layout.dimensions == template.dimensions:
        return
    raise CardError("template-dimensions", "{path} returns vectors of {found} numbers, but the card {card} is for "
                    "{wanted}: name the card of this variant of the encoder.", path=facts.path, found=layout.dimensions,
                    card=template.id, wanted=template.dimensions)


def _declared(layout: _Layout, output: Value, draft: Card) -> "tuple[int, ...]":
    """Return the output's shape as far as it is fixed: free axes of the graph are free on the card."""
    sizes = []
    for number, axis in enumerate(layout.order):
        graph = output.shape[number] if output.shape is not None and len(output.shape) == len(layout.order) else "?"
        if axis == "embedding":
            sizes.append(layout.shape[number])
        elif axis == "batch":
            sizes.append(draft.batch if draft.batch else -1)
        else:
            sizes.append(layout.shape[number] if draft.tile or isinstance(graph, int) else -1)
    return tuple(sizes)


def _account(card: Card) -> str:
    """Say what was understood, so that a wrong guess is seen."""
    what = f"one vector of {card.dimensions} numbers a tile" if card.kind == CHIP else (
        f"a vector of {card.dimensions} numbers every {card.stride} pixels")
    tile = f"tiles of {card.tile} pixels" if card.tile else "tiles of any size"
    drop = f", after {card.tokens_drop} leading tokens" if card.tokens_drop else ""
    extra = ", ".join(f"{item.name} as {item.role}" for item in card.inputs if item.role != "image")
    return f"{card.name}: {what}{drop}, from {tile} with {len(card.bands)} bands{'; ' if extra else ''}{extra}."


def _parts(text: str) -> "list[str]":
    """Split a text of several values."""
    return [part.strip() for part in text.split(";") if part.strip()]


def _spread(parts: "Sequence[str]", count: int, parameter: str) -> "list[str]":
    """Return one value per band."""
    if len(parts) in (1, count):
        return list(parts) * (count if len(parts) == 1 else 1)
    if not parts:
        return [""] * count
    raise InputError("values-count", "{parameter} has {found} values for {count} bands: give one for all or one per "
                                     "band.",
                     parameter=parameter, found=len(parts), count=count)


def _numbers(text: Union[str, float], parameter: str, count: int) -> "list[float]":
    """Return one number per band."""
    parts = _spread(_parts(str(text)), count, parameter)
    try:
        values = [float(part) for part in parts]
    except ValueError as error:
        raise InputError("values-number", "{parameter} holds something else than numbers: separate them by “;”, with a "
                         "point for decimals.", parameter=parameter) from error
    if not all(math.isfinite(value) for value in values):
        raise InputError("values-number", "{parameter} holds a number that is not finite: give plain numbers.",
                         parameter=parameter)
    return values
