"""A card as a STAC Item with the MLM extension: which field of the card stands where in the JSON."""

from __future__ import annotations

import base64
import binascii
import math
import re
from pathlib import Path
from typing import Any, Mapping, Optional

import numpy as np

from .card import CHIP, DENSE, Card, CardBand, ModelInput, ModelOutput, Reduction
from .card_fields import CardFields, card_error
from .scaling_json import ScalingError, read_scaling, write_scaling

PROFILE = "1"
TASK = "similarity-search"
EXTENSIONS = ("https://stac-extensions.github.io/mlm/v1.5.2/schema.json",
              "https://stac-extensions.github.io/file/v2.1.0/schema.json",
              "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
              "https://stac-extensions.github.io/eo/v1.1.0/schema.json")
NORMALISE = "earthprint:l2"
AUX = {"mask": ("mask", ""), "wavelengths_um": ("wavelengths", "um"), "wavelengths_nm": ("wavelengths", "nm"),
       "gsd_m": ("gsd", "m"), "latlon_degrees": ("latlon", "degrees"), "latlon_sincos": ("latlon", "sincos"),
       "time_sincos": ("time", "sincos"), "time_year_doy": ("time", "year-doy")}
RASTER_TYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
                "float64")
_MASK_AXIS = "channel"
_MASK_TYPE = "other"
# STAC wants a date; a fixed one keeps two writings of one card equal.
_EPOCH = "2024-01-01T00:00:00Z"
_MLM = re.compile(r"/mlm/v1[.\d]*/schema\.json$")
_NAMES = {value: key for key, value in AUX.items()}
_METRICS = {"cosine": "cosine", "euclidean": "euclidean", "l2": "euclidean"}


def card_of_item(item: "Mapping[str, Any]", source: Path) -> Card:
    """Read a card from an item; `model_path` and `checksum` are left for the caller, who knows the file."""
    root = CardFields(str(source), item, "")
    _require_item(root)
    properties = root.object("properties", "choose an encoder's card")
    hyper = properties.object("mlm:hyperparameters", "give earthprint.kind and earthprint.output_stride there")
    _require_profile(properties, hyper)
    aux = hyper.object("earthprint.aux", "map the names of extra inputs to what they take").raw \
        if hyper.raw.get("earthprint.aux") is not None else {}
    entries = properties.objects("mlm:input", "describe the inputs of the graph")
    inputs = tuple(_input(entry, aux) for entry in entries)
    image = _image(properties, entries, inputs)
    bands = _bands(root, entries[image], hyper)
    output, normalise = _output(properties)
    kind = hyper.text("earthprint.kind", f"write “{DENSE}” for a vector a cell or “{CHIP}” for a vector a tile")
    if kind not in (DENSE, CHIP):
        raise hyper.fail("earthprint.kind", f"is “{kind}”", f"write “{DENSE}” or “{CHIP}”")
    tile = hyper.whole_or("earthprint.tile", max(_axis(inputs[image], "height"), 0))
    stride = hyper.whole("earthprint.output_stride", "give the pixels of the input that one vector stands for") \
        if kind == DENSE or not tile else hyper.whole_or("earthprint.output_stride", tile)
    return Card(
        id=root.text("id", "give the card an id"), name=properties.text("mlm:name", "name the encoder"), path=None,
        model_path=Path(), checksum="", bands=bands, inputs=inputs, output=output, kind=kind,
        dimensions=_dimensions(hyper, output), stride=stride, tile=tile, halo=hyper.whole_or("earthprint.halo", 0),
        context=hyper.whole_or("earthprint.context", 0),
        finite_context=hyper.truth_or("earthprint.finite_context", False),
        suggested_tile=hyper.whole_or("earthprint.suggested_tile", 0),
        suggested_batch=properties.whole_or("mlm:batch_size_suggestion", 0),
        tokens_drop=hyper.whole_or("earthprint.tokens_drop", 0), pooling=hyper.text_or("earthprint.pooling", "none"),
        dates=hyper.whole_or("earthprint.dates", max(_axis(inputs[image], "time"), 1)),
        date_pooling=hyper.text_or("earthprint.date_pooling", "mean"),
        scaling=_scaling(entries[image], len(bands)), fill=_fill(hyper, inputs), metric=_metric(hyper),
        unit_norm=hyper.truth_or("earthprint.unit_norm", normalise), normalise_output=normalise,
        gsd_range=hyper.pair_or_none("earthprint.gsd_range"),
        normalisation=hyper.text_or("earthprint.normalisation", "card"), reduction=_reduction(hyper),
        licence=properties.text_or("license", ""),
        architecture=properties.text("mlm:architecture", "name the network's architecture"),
        details=dict(hyper.object("earthprint.details", "write an object").raw)
        if hyper.raw.get("earthprint.details") is not None else {},
        fitted_on=hyper.text_or("earthprint.fitted_on", ""), external=hyper.truth_or("earthprint.external", False),
        description=properties.text_or("description", ""))


def model_asset(root: CardFields) -> "dict[str, Any]":
    """Return the asset that is the model."""
    assets = root.object("assets", "add an asset with the role “mlm:model”")
    models = [asset for asset in assets.raw.values()
              if isinstance(asset, dict) and isinstance(asset.get("roles"), list) and "mlm:model" in asset["roles"]]
    if len(models) != 1:
        raise root.fail("assets", f"hold {len(models)} assets with the role “mlm:model”",
                        "give that role to the ONNX file alone")
    return models[0]


def card_item(card: Card, href: str) -> "dict[str, Any]":
    """Return the item of a card; checksum and size of the model are added by the caller, who knows the file."""
    properties: "dict[str, Any]" = {"datetime": _EPOCH}
    for key, value in (("description", card.description), ("license", card.licence)):
        if value:
            properties[key] = value
    properties.update({
        "mlm:name": card.name, "mlm:architecture": card.architecture, "mlm:tasks": [TASK], "mlm:framework": "ONNX",
        "mlm:accelerator": None, "mlm:input": [_input_json(item, card) for item in card.inputs],
        "mlm:output": [_output_json(card)], "mlm:hyperparameters": _hyper_json(card)})
    if card.suggested_batch:
        properties["mlm:batch_size_suggestion"] = card.suggested_batch
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": card.id, "stac_extensions": list(EXTENSIONS),
        "geometry": {"type": "Polygon",
                     "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]},
        "bbox": [-180, -90, 180, 90], "properties": properties,
        "assets": {"model": {
            "href": href, "type": "application/octet-stream; framework=onnx", "roles": ["mlm:model"],
            "mlm:artifact_type": "onnx", "raster:bands": [_raster_band(band, card) for band in card.bands],
            "eo:bands": [_eo_band(band) for band in card.bands]}},
        "links": []}


def _require_item(root: CardFields) -> None:
    """Raise unless this is a STAC item of the extension that we read."""
    if root.raw.get("type") != "Feature" or not str(root.raw.get("stac_version", "")).startswith("1."):
        raise root.fail("type", "doesn't say that this is a STAC 1.x item", "choose an encoder's card")
    extensions = root.raw.get("stac_extensions")
    if not isinstance(extensions, list) or not any(_MLM.search(str(name)) for name in extensions):
        raise root.fail("stac_extensions", "doesn't name the machine learning model extension 1.x",
                        f"add {EXTENSIONS[0]}")


def _require_profile(properties: CardFields, hyper: CardFields) -> None:
    """Raise for cards of other tasks, frameworks and versions."""
    tasks = properties.texts("mlm:tasks", f"write [“{TASK}”]")
    if TASK not in tasks:
        raise properties.fail("mlm:tasks", f"is {', '.join(tasks)}", f"an encoder's tasks hold “{TASK}”")
    framework = properties.text_or("mlm:framework", "ONNX")
    if framework.upper() != "ONNX":
        raise properties.fail("mlm:framework", f"is {framework}", "export the model to ONNX and say so")
    profile = str(hyper.raw.get("earthprint.profile", PROFILE))
    if profile != PROFILE:
        raise hyper.fail("earthprint.profile", f"is {profile[:20]}", "update Earthprint, or bring a card of profile 1")


def _input(entry: CardFields, aux: "Mapping[str, Any]") -> ModelInput:
    """Read one input."""
    name = entry.text("name", "give the input's name in the graph")
    structure = entry.object("input", "give shape, dim_order and data_type")
    role, encoding = "image", ""
    if name in aux:
        if str(aux[name]) not in AUX:
            raise card_error(entry.card, "earthprint.aux", f"says “{str(aux[name])[:60]}” of the input {name}",
                             f"write one of {', '.join(AUX)}")
        role, encoding = AUX[str(aux[name])]
    elif not entry.raw.get("bands"):
        raise card_error(entry.card, "earthprint.aux", f"doesn't explain the input {name}, which has no bands",
                         f"map its name to one of {', '.join(AUX)}")
    shape, order = structure.sizes("shape"), structure.texts("dim_order", "name every axis")
    if len(shape) != len(order):
        raise structure.fail("dim_order", f"names {len(order)} axes of {len(shape)}", "name every axis of the shape")
    kind = _data_type(structure)
    if role == "mask":
        # The extension forbids an axis named bands where no bands are named, and knows no truth values.
        order = tuple("bands" if axis == _MASK_AXIS else axis for axis in order)
        kind = "bool" if kind == _MASK_TYPE else kind
    return ModelInput(name, role, shape, order, kind, encoding)


def _image(properties: CardFields, entries: "list[CardFields]", inputs: "tuple[ModelInput, ...]") -> int:
    """Return the number of the one input that takes pixels."""
    images = [number for number, item in enumerate(inputs) if item.role == "image"]
    if len(images) != 1:
        raise properties.fail("mlm:input", f"has {len(images)} inputs with bands",
                              "exactly one input takes the pixels; explain the others in earthprint.aux")
    return images[0]


def _bands(root: CardFields, entry: CardFields, hyper: CardFields) -> "tuple[CardBand, ...]":
    """Put together what input, `eo:bands` and `raster:bands` say of the bands."""
    names = entry.raw.get("bands")
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise entry.fail("bands", "holds something else than names of bands",
                         "name the bands; a band that is computed from others is to be computed first")
    if len(set(names)) != len(names):
        raise entry.fail("bands", "names a band twice", "name each band once")
    model = model_asset(root)
    eo, raster = (_by_name(root, model.get(key), key) for key in ("eo:bands", "raster:bands"))
    ranges = hyper.raw.get("earthprint.valid_range")
    if ranges is not None and (not isinstance(ranges, list) or len(ranges) not in (1, len(names))):
        raise hyper.fail("earthprint.valid_range", "is no list of ranges",
                         "write one [smallest, largest] for all bands or one per band")
    result = []
    for number, name in enumerate(names):
        limits: "tuple[Optional[float], Optional[float]]" = (None, None)
        if ranges is not None:
            limits = _range(hyper, ranges[number if len(ranges) > 1 else 0])
        first, second = eo.get(name), raster.get(name)
        result.append(CardBand(
            name=name, common_name=first.text_or("common_name", "") if first else "",
            wavelength_um=first.number_or("center_wavelength", None) if first else None,
            unit=second.text_or("unit", "") if second else "", valid_min=limits[0], valid_max=limits[1]))
    return tuple(result)


def _by_name(root: CardFields, value: Any, key: str) -> "dict[str, CardFields]":
    """Return the band objects of an asset by name."""
    if value is None:
        return {}
    if not isinstance(value, list) or not all(isinstance(band, Mapping) for band in value):
        raise root.fail(f"assets ▸ {key}", "is no list of objects", "describe each band with an object")
    bands = {}
    for band in value:
        if not isinstance(band.get("name"), str):
            raise root.fail(f"assets ▸ {key}", "has a band without a name", "name every band as in mlm:input")
        bands[band["name"]] = CardFields(root.card, band, f"assets ▸ {key} ▸ {band['name']} ▸ ")
    return bands


def _range(hyper: CardFields, value: Any) -> "tuple[Optional[float], Optional[float]]":
    """Read one valid range, open at an end that is null."""
    right = isinstance(value, list) and len(value) == 2 and all(
        item is None or (isinstance(item, (int, float)) and not isinstance(item, bool)) for item in value)
    if not right:
        raise hyper.fail("earthprint.valid_range", "is no list of ranges", "write [smallest, largest] for each band")
    low, high = (None if item is None else float(item) for item in value)
    return low, high


def _output(properties: CardFields) -> "tuple[ModelOutput, bool]":
    """Read the output that holds the vectors, and whether they are to be normalised."""
    entries = properties.objects("mlm:output", "describe the output of the graph")
    if len(entries) != 1:
        raise properties.fail("mlm:output", f"has {len(entries)} outputs", "describe only the one with the vectors")
    entry = entries[0]
    structure = entry.object("result", "give shape, dim_order and data_type")
    shape, order = structure.sizes("shape"), structure.texts("dim_order", "name every axis")
    if len(shape) != len(order):
        raise structure.fail("dim_order", f"names {len(order)} axes of {len(shape)}", "name every axis of the shape")
    function = entry.raw.get("post_processing_function")
    normalise = False
    if function is not None:
        if not isinstance(function, dict) or function.get("expression") != NORMALISE:
            raise entry.fail("post_processing_function", "is not one that is known, and is never executed",
                             f"only “{NORMALISE}” is; fold anything else into the graph")
        normalise = True
    return ModelOutput(entry.text("name", "give the output's name in the graph"), shape, order,
                       _data_type(structure)), normalise


def _data_type(structure: CardFields) -> str:
    """Read the type of an input or output."""
    kind = structure.text("data_type", "write float32")
    if kind not in (*RASTER_TYPES, _MASK_TYPE):
        raise structure.fail("data_type", f"is {kind[:40]}", f"write one of {', '.join(RASTER_TYPES)}")
    return kind


def _dimensions(hyper: CardFields, output: ModelOutput) -> int:
    """Return the length of a vector."""
    size = output.shape[output.dim_order.index("embedding")] if "embedding" in output.dim_order else -1
    stated = hyper.whole_or("earthprint.dimensions", max(size, 0))
    if not stated:
        raise hyper.fail("earthprint.dimensions", "is missing, and the output's shape doesn't tell it",
                         "give the length of a vector")
    return stated


def _scaling(entry: CardFields, bands: int) -> Any:
    """Read the normalisation of the image."""
    if entry.raw.get("resize_type") not in (None, "crop", "pad"):
        raise entry.fail("resize_type", f"is {entry.raw.get('resize_type')}",
                         "pixels are never resampled on the way in: leave it out and resample the raster if needed")
    try:
        return read_scaling(entry.raw.get("value_scaling"), entry.raw.get("pre_processing_function"), bands)
    except ScalingError as error:
        raise entry.fail("value_scaling", f"can't be used: {error}", "mend the normalisation") from error


def _fill(hyper: CardFields, inputs: "tuple[ModelInput, ...]") -> Optional[float]:
    """Read what stands in for missing pixels."""
    text = hyper.text_or("earthprint.nodata", "")
    masked = any(item.role == "mask" for item in inputs)
    if text == "mask" and not masked:
        raise hyper.fail("earthprint.nodata", "is “mask”, but no input takes one",
                         "map an input to “mask” in earthprint.aux, or write “fill:VALUE”")
    if text in ("", "mask"):
        return None
    try:
        value = float(text[5:]) if text.startswith("fill:") else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise hyper.fail("earthprint.nodata", f"is “{text[:40]}”", "write “mask” or “fill:VALUE”")
    return value


def _metric(hyper: CardFields) -> str:
    """Read how vectors are compared."""
    metric = hyper.text_or("earthprint.metric", "cosine")
    if metric not in _METRICS:
        raise hyper.fail("earthprint.metric", f"is “{metric[:40]}”", "write cosine or euclidean")
    return _METRICS[metric]


def _reduction(hyper: CardFields) -> Optional[Reduction]:
    """Read a reduction and make sure that its numbers arrived whole."""
    if hyper.raw.get("earthprint.reduction") is None:
        return None
    part = hyper.object("earthprint.reduction", "write an object")
    mean = _numbers(part, "mean")
    components = _numbers(part, "components")
    if not len(mean) or not len(components) or len(components) % len(mean):
        raise part.fail("components", f"holds {len(components)} numbers for vectors of {len(mean)}",
                        "bring the card again")
    explained = part.raw.get("explained") or []
    if not isinstance(explained, list) or not all(isinstance(item, (int, float)) for item in explained):
        raise part.fail("explained", "is no list of numbers", "bring the card again")
    reduction = Reduction(part.text("method", "write pca"), mean, components.reshape(-1, len(mean)),
                          tuple(float(item) for item in explained))
    if part.text("sha256", "bring the card again") != reduction.digest():
        raise part.fail("sha256", "differs from that of its numbers", "bring the card again, it was damaged")
    return reduction


def _numbers(part: CardFields, key: str) -> np.ndarray:
    """Read base64 of little-endian float32."""
    text = part.text(key, "bring the card again")
    try:
        payload = base64.b64decode(text, validate=True)
        values = np.frombuffer(payload, dtype="<f4").astype(np.float32)
    except (binascii.Error, ValueError) as error:
        raise part.fail(key, "is not base64 of float32 numbers", "bring the card again") from error
    if not np.isfinite(values).all():
        raise part.fail(key, "holds numbers that are not finite", "bring the card again")
    return values


def _axis(item: ModelInput, name: str) -> int:
    """Return the length of an axis, −1 where it is free or absent."""
    return item.shape[item.dim_order.index(name)] if name in item.dim_order else -1


def _input_json(item: ModelInput, card: Card) -> "dict[str, Any]":
    """Return one entry of `mlm:input`; only the image has bands, which the extension insists on."""
    image = item.role == "image"
    order = [_MASK_AXIS if axis == "bands" and not image else axis for axis in item.dim_order]
    kind = _MASK_TYPE if item.data_type == "bool" else item.data_type
    entry: "dict[str, Any]" = {
        "name": item.name, "bands": [band.name for band in card.bands] if image else [],
        "input": {"shape": list(item.shape), "dim_order": order, "data_type": kind}}
    if image:
        entry["value_scaling"] = write_scaling(card.scaling)
    entry["pre_processing_function"] = None
    return entry


def _output_json(card: Card) -> "dict[str, Any]":
    """Return the entry of `mlm:output`."""
    function = {"format": "earthprint", "expression": NORMALISE, "description": "unit L2 norm over the embedding axis"}
    return {"name": card.output.name, "tasks": [TASK],
            "result": {"shape": list(card.output.shape), "dim_order": list(card.output.dim_order),
                       "data_type": card.output.data_type},
            "post_processing_function": function if card.normalise_output else None}


def _hyper_json(card: Card) -> "dict[str, Any]":
    """Return our own keys; what has its default is left out."""
    hyper: "dict[str, Any]" = {
        "earthprint.profile": PROFILE, "earthprint.kind": card.kind, "earthprint.output_stride": card.stride,
        "earthprint.tile": card.tile, "earthprint.dimensions": card.dimensions, "earthprint.pooling": card.pooling,
        "earthprint.metric": card.metric, "earthprint.unit_norm": card.unit_norm}
    aux = {item.name: _NAMES[(item.role, item.encoding)] for item in card.inputs if item.role != "image"}
    ranges = [[band.valid_min, band.valid_max] for band in card.bands]
    optional = {
        "halo": card.halo, "context": card.context, "finite_context": card.finite_context,
        "suggested_tile": card.suggested_tile, "tokens_drop": card.tokens_drop, "aux": aux,
        "gsd_range": list(card.gsd_range or ()), "fitted_on": card.fitted_on, "external": card.external,
        "details": dict(card.details), "nodata": _nodata_json(card)}
    hyper.update({f"earthprint.{key}": value for key, value in optional.items() if value})
    if card.dates > 1:
        hyper["earthprint.dates"] = card.dates
        hyper["earthprint.date_pooling"] = card.date_pooling
    if card.normalisation != "card":
        hyper["earthprint.normalisation"] = card.normalisation
    if any(limit is not None for limits in ranges for limit in limits):
        same = all(limits == ranges[0] for limits in ranges)
        hyper["earthprint.valid_range"] = ranges[:1] if same else ranges
    if card.reduction is not None:
        hyper["earthprint.reduction"] = _reduction_json(card.reduction)
    return hyper


def _nodata_json(card: Card) -> str:
    """Return how missing pixels are handled."""
    if card.fill is not None:
        return f"fill:{card.fill!r}"
    return "mask" if card.takes_mask else ""


def _reduction_json(reduction: Reduction) -> "dict[str, Any]":
    """Return a reduction's numbers as base64 of little-endian float32."""
    return {
        "method": reduction.method, "dimensions": len(reduction.components), "mean": _base64(reduction.mean),
        "components": _base64(reduction.components), "sha256": reduction.digest(),
        "explained": [float(share) for share in reduction.explained]}


def _base64(values: np.ndarray) -> str:
    """Return numbers as text."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def _raster_band(band: CardBand, card: Card) -> "dict[str, Any]":
    """Return one entry of `raster:bands`, which carries the unit of the values before scaling."""
    entry: "dict[str, Any]" = {"name": band.name, "data_type": card.image.data_type}
    if band.unit:
        entry["unit"] = band.unit
    return entry


def _eo_band(band: CardBand) -> "dict[str, Any]":
    """Return one entry of `eo:bands`."""
    entry: "dict[str, Any]" = {"name": band.name}
    if band.common_name:
        entry["common_name"] = band.common_name
    if band.wavelength_um is not None:
        entry["center_wavelength"] = band.wavelength_um
    return entry
