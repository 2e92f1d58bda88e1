"""Checks that a card doesn't contradict itself, before anything is computed with it or written from it."""

from __future__ import annotations

import json
import math
import re
from typing import Optional

from .card import CHIP, DENSE, Card, ModelInput
from .card_fields import card_error
from .card_item import RASTER_TYPES
from .scaling_json import check_scaling

COMMON_NAMES = ("coastal", "blue", "green", "red", "rededge", "yellow", "pan", "nir", "nir08", "nir09", "cirrus",
                "swir16", "swir22", "lwir", "lwir11", "lwir12")
POOLINGS = ("none", "cls", "mean", "max")
DATE_POOLINGS = ("mean", "max", "first", "last")
ENCODINGS = {"mask": ("",), "wavelengths": ("um", "nm"), "gsd": ("m",), "latlon": ("degrees", "sincos"),
             "time": ("sincos", "year-doy"), "image": ("",)}
_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,78}[A-Za-z0-9]$|^[A-Za-z0-9]$")
_NAME = re.compile(r"^[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]$")
_AXIS = re.compile(r"^[a-z_-]+$")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def check_card(card: Card, where: str) -> None:
    """Raise CardError for the first thing that can't be as the card says; `where` names the card in the message."""
    _check_names(card, where)
    for item in card.inputs:
        _check_input(item, card, where)
    _check_image(card, where)
    check_scaling(card.scaling, len(card.bands), where)
    _check_geometry(card, where)
    _check_output(card, where)
    _check_rest(card, where)


def safe_id(text: str) -> str:
    """Return an id fit for files and keys that is as close to a name as can be."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:79].rstrip("-._") or "encoder"
    return f"{slug}-encoder" if _RESERVED.match(slug) else slug


def safe_name(text: str) -> str:
    """Return a name that the MLM extension accepts: letters, digits, spaces, `_`, `.` and `-`, a letter first."""
    name = re.sub(r"[^A-Za-z0-9_.\-\s]+", " ", text).strip(" _.-")
    name = re.sub(r"\s+", " ", name)
    if not name or not name[0].isalpha():
        name = f"Encoder {name}".strip()
    return name if len(name) >= 3 else f"{name} encoder"


def _check_names(card: Card, where: str) -> None:
    """Check id, name and architecture."""
    if not _ID.match(card.id) or _RESERVED.match(card.id):
        raise card_error(where, "id", f"is “{card.id[:100]}”",
                         f"use up to 80 letters, digits, dots, hyphens and underscores, such as {safe_id(card.id)}")
    if not _NAME.match(card.name):
        raise card_error(where, "mlm:name", f"is “{card.name[:100]}”",
                         f"use letters, digits, spaces, hyphens, dots and underscores, such as {safe_name(card.name)}")
    if not card.architecture.strip():
        raise card_error(where, "mlm:architecture", "is missing", "name the network's architecture")
    names = [item.name for item in card.inputs]
    if len(set(names)) != len(names):
        raise card_error(where, "mlm:input", "names an input twice", "describe each input of the graph once")


def _check_input(item: ModelInput, card: Card, where: str) -> None:
    """Check one input on its own."""
    field = f"mlm:input ▸ {item.name}"
    if len(item.shape) != len(item.dim_order) or len(set(item.dim_order)) != len(item.dim_order):
        raise card_error(where, field, f"has {len(item.shape)} axes and names {', '.join(item.dim_order)}",
                         "name every axis once")
    if any(size < 1 and size != -1 for size in item.shape):
        raise card_error(where, field, f"has the shape {list(item.shape)}", "write −1 for an axis of any length")
    if any(not _AXIS.match(axis) for axis in item.dim_order):
        raise card_error(where, field, f"names the axes {', '.join(item.dim_order)}", "use small letters")
    if item.role not in ENCODINGS or item.encoding not in ENCODINGS[item.role]:
        raise card_error(where, field, f"takes {item.role} {item.encoding}".rstrip(), "map it in earthprint.aux")
    if item.data_type not in RASTER_TYPES and (item.role, item.data_type) != ("mask", "bool"):
        raise card_error(where, field, f"has the type {item.data_type}", f"write one of {', '.join(RASTER_TYPES)}")
    if item.role not in ("image", "mask") and "bands" in item.dim_order:
        raise card_error(where, field, "has an axis named bands but takes no pixels", "name that axis value")
    if item.role == "wavelengths" and any(band.wavelength_um is None for band in card.bands):
        missing = ", ".join(band.name for band in card.bands if band.wavelength_um is None)
        raise card_error(where, "eo:bands", f"lacks center_wavelength for {missing}",
                         f"the input {item.name} needs the wavelength of every band, in micrometres")


def _check_image(card: Card, where: str) -> None:
    """Check the input that takes the pixels, and the bands."""
    images = [item for item in card.inputs if item.role == "image"]
    if len(images) != 1:
        raise card_error(where, "mlm:input", f"has {len(images)} inputs that take pixels", "describe exactly one")
    image = images[0]
    field = f"mlm:input ▸ {image.name} ▸ dim_order"
    known = {"batch", "bands", "time", "height", "width"}
    missing = [axis for axis in ("batch", "bands", "height", "width") if axis not in image.dim_order]
    if missing or set(image.dim_order) - known:
        raise card_error(where, field, f"is {', '.join(image.dim_order)}",
                         "use batch, bands, height and width, and time where there is such an axis")
    if not card.bands:
        raise card_error(where, "bands", "is empty", "name the bands that the encoder takes, in its order")
    names = [band.name for band in card.bands]
    if len(set(names)) != len(names) or not all(name.strip() for name in names):
        raise card_error(where, "bands", "names a band twice or not at all", "name each band once")
    size = image.shape[image.dim_order.index("bands")]
    stacked = card.dates if "time" not in image.dim_order else 1
    if size not in (-1, len(card.bands) * stacked):
        raise card_error(where, "bands", f"names {len(card.bands)} bands, but the input {image.name} takes {size}",
                         f"name {size // stacked} bands, in the encoder's order")
    dates = image.shape[image.dim_order.index("time")] if "time" in image.dim_order else card.dates
    if dates not in (-1, card.dates) or card.dates < 1:
        raise card_error(where, "earthprint.dates", f"is {card.dates}, but the input {image.name} takes {dates}",
                         f"write {max(dates, 1)}")
    for band in card.bands:
        _check_band(band.name, band.common_name, band.wavelength_um, (band.valid_min, band.valid_max), where)


def _check_band(name: str, common: str, wavelength: object, limits: "tuple[object, object]", where: str) -> None:
    """Check what is said of one band."""
    if common and common not in COMMON_NAMES:
        raise card_error(where, f"eo:bands ▸ {name} ▸ common_name", f"is “{common[:40]}”",
                         f"leave it out or write one of {', '.join(COMMON_NAMES)}")
    if wavelength is not None and not 0.2 <= float(str(wavelength)) <= 1e6:
        raise card_error(where, f"eo:bands ▸ {name} ▸ center_wavelength", f"is {wavelength}",
                         "give micrometres, such as 0.665 for red")
    low, high = limits
    if low is not None and high is not None and float(str(low)) >= float(str(high)):
        raise card_error(where, f"earthprint.valid_range of {name}", f"is {low} to {high}",
                         "give the smaller end first")


def _check_geometry(card: Card, where: str) -> None:
    """Check tile, stride and halo against each other and against the image's shape."""
    height, width = (card.image.shape[card.image.dim_order.index(axis)] for axis in ("height", "width"))
    if height != width:
        raise card_error(where, f"mlm:input ▸ {card.image.name}", f"takes tiles of {height} × {width} pixels",
                         "export it for square tiles")
    if card.kind not in (DENSE, CHIP):
        raise card_error(where, "earthprint.kind", f"is “{card.kind}”", f"write “{DENSE}” or “{CHIP}”")
    if card.tile != max(height, 0):
        wanted = f"write {height}" if height > 0 else "write 0, any size goes; suggest one in earthprint.suggested_tile"
        raise card_error(where, "earthprint.tile", f"is {card.tile}, but the input {card.image.name} takes "
                         f"{height if height > 0 else 'any size'}", wanted)
    if card.stride < 1:
        raise card_error(where, "earthprint.output_stride", f"is {card.stride}",
                         "give the pixels of the input that one vector stands for")
    inner = card.tile - 2 * card.halo
    if card.tile and inner < card.stride:
        raise card_error(where, "earthprint.output_stride",
                         f"is {card.stride}, but a tile of {card.tile} with a halo of {card.halo} has {inner} pixels",
                         "correct tile, halo or stride")
    if card.kind == CHIP and card.tile and (card.stride != card.tile or card.halo):
        raise card_error(where, "earthprint.output_stride",
                         f"is {card.stride} with a halo of {card.halo}, but a vector of kind {CHIP} stands for its "
                         f"whole tile of {card.tile} pixels", f"write {card.tile} and no halo, or kind {DENSE}")
    if card.kind == DENSE and card.tile and inner % card.stride:
        raise card_error(where, "earthprint.output_stride", f"is {card.stride}, which doesn't divide the {inner} "
                         f"pixels of a tile inside its halo", "correct tile, halo or stride")


def _check_output(card: Card, where: str) -> None:
    """Check the shape of the output against dimensions, tile, stride, tokens and pooling."""
    output, field = card.output, f"mlm:output ▸ {card.output.name}"
    order = output.dim_order
    known = {"batch", "time", "height", "width", "token", "embedding"}
    wrong = (len(order) != len(output.shape) or len(set(order)) != len(order) or set(order) - known
             or "embedding" not in order or ("height" in order) != ("width" in order)
             or ("token" in order and "height" in order))
    if wrong:
        raise card_error(where, f"{field} ▸ dim_order", f"is {', '.join(order)}", "use embedding, with batch, "
                         "time, and token or height and width where there are such axes")
    sizes = dict(zip(order, output.shape))
    if card.dimensions < 1 or sizes["embedding"] not in (-1, card.dimensions):
        raise card_error(where, "earthprint.dimensions", f"is {card.dimensions}, but the output {output.name} returns "
                         f"{sizes['embedding']}", "write the length of a vector")
    if card.pooling not in POOLINGS or card.date_pooling not in DATE_POOLINGS:
        raise card_error(where, "earthprint.pooling", f"is {card.pooling}, and over dates {card.date_pooling}",
                         f"write one of {', '.join(POOLINGS)}, and over dates one of {', '.join(DATE_POOLINGS)}")
    cells = "token" in order or "height" in order
    if (card.kind == DENSE) != (cells and card.pooling == "none"):
        if card.kind == DENSE:
            raise card_error(where, "earthprint.kind", f"is {DENSE}, but the output {output.name} with pooling "
                             f"{card.pooling} gives one vector a tile", f"write {CHIP}, or pooling none")
        if not (cells and _count(card) in (None, 1)):
            raise card_error(where, "earthprint.kind", f"is {CHIP}, but the output {output.name} gives many vectors a "
                             "tile", f"write {DENSE}, or say in earthprint.pooling how they become one (cls, mean)")
    if card.pooling == "cls" and "token" not in order:
        raise card_error(where, "earthprint.pooling", f"is cls, but the output {output.name} has no tokens",
                         "write none, mean or max")
    if card.tokens_drop and "token" not in order:
        raise card_error(where, "earthprint.tokens_drop", f"is {card.tokens_drop}, but the output {output.name} has no "
                         f"tokens", "write 0")
    _check_count(card, where)


def _count(card: Card) -> Optional[int]:
    """Return how many vectors a tile gives, None where the shape leaves it open."""
    sizes = dict(zip(card.output.dim_order, card.output.shape))
    if "token" in sizes:
        return sizes["token"] - card.tokens_drop if sizes["token"] > 0 else None
    return sizes["height"] * sizes["width"] if sizes["height"] > 0 and sizes["width"] > 0 else None


def _check_count(card: Card, where: str) -> None:
    """Compare the number of vectors with tile and stride."""
    order = card.output.dim_order
    if not ("token" in order or "height" in order) or card.kind != DENSE or not card.tile:
        return
    count, side = _count(card), (card.tile - 2 * card.halo) // card.stride
    if count is None or count == side * side or ("token" in order and count == side * side * card.dates):
        return
    drop = f" after dropping {card.tokens_drop}" if card.tokens_drop else ""
    raise card_error(where, f"mlm:output ▸ {card.output.name}", f"has {count} vectors{drop}, but tile {card.tile} and "
                     f"stride {card.stride} give {side} × {side} = {side * side}",
                     "correct earthprint.tokens_drop, earthprint.output_stride or the tile")


def _check_rest(card: Card, where: str) -> None:
    """Check units of length, norms, the reduction and whatever must be plain JSON."""
    if card.normalise_output and not card.unit_norm:
        raise card_error(where, "earthprint.unit_norm", "is false, but the output is normalised", "write true")
    if card.metric not in ("cosine", "euclidean"):
        raise card_error(where, "earthprint.metric", f"is “{card.metric}”", "write cosine or euclidean")
    if card.fill is not None and not math.isfinite(card.fill):
        raise card_error(where, "earthprint.nodata", f"fills with {card.fill}", "write fill:VALUE with a number")
    if card.finite_context and card.context < 0:
        raise card_error(where, "earthprint.context", "is negative", "give pixels of the input")
    if card.gsd_range is not None and not 0 < card.gsd_range[0] <= card.gsd_range[1]:
        raise card_error(where, "earthprint.gsd_range", f"is {list(card.gsd_range)}", "give metres, the smaller first")
    reduction = card.reduction
    if reduction is not None and (reduction.components.ndim != 2 or reduction.components.shape[1] != card.dimensions
                                  or reduction.mean.shape != (card.dimensions,)):
        raise card_error(where, "earthprint.reduction", f"is for vectors of {reduction.mean.size} numbers, but the "
                         f"encoder returns {card.dimensions}", "fit the reduction again")
    try:
        json.dumps(dict(card.details), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise card_error(where, "earthprint.details", f"can't be written as JSON ({error})",
                         "use texts, numbers, lists and objects") from error
