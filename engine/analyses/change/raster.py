"""Change between dates of embedding rasters: how much, of what kind, where it counts, as outlines."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Optional

import numpy as np

from ...dataset import RasterLayout, block_cache
from ...errors import InputError
from ...field import PROVENANCE_ITEM, Field, open_field
from ...field_pass import FieldPass, PassAccount, RasterOutput, run_pass
from ...progress import Part, Progress
from ...provenance import merged
from ...vectorise import Areas, vectorise
from ...whole import require_writable, whole
from .alignment import Scene, aligned
from .blocks import differences_of, direction_block, history_block, odd_date, pair_block
from .comparable import dated, require_same_spaces, require_untold
from .direction import Direction, fit_direction
from .fitting import How, fitted
from .history import History
from .magnitude_file import MagnitudeFile
from .mask import CHANGED, Marked, mark_changes
from .measures import Measure, plain_measure
from .paired_sample import PairedSample, sample_dates
from .request import COSINE, EUCLIDEAN, HISTORY, LEAST_DATES, RASTER_METHODS, ChangeRequest, ChangeResult
from .threshold import STABLE, parse_threshold, split_threshold, stable_threshold

BAND = "change"
_MEAN = "mean_change"
_ENOUGH = 50


def detect_change(request: ChangeRequest, progress: Progress) -> ChangeResult:
    """Write the magnitude raster and what else was asked for."""
    started = time.monotonic()
    check_request(request)
    for path in (request.output, request.direction, request.changed):
        if path:
            require_writable(Path(path))
    fields = [open_field(path) for path in request.inputs]
    scene = _comparable_scene(fields, request, progress)
    sample = None
    if request.direction or request.options.method not in (COSINE, EUCLIDEAN):
        sample = sample_dates(scene, request.options.sample, request.options.seed, Part(progress, 0.0, 0.1))
    how = _how(fields[0], request, sample, progress)
    with ExitStack() as stack:
        # GDAL's own cache is a share of the machine's memory and would fill with the rasters that are read back.
        stack.enter_context(block_cache(max(64, request.memory_mib // 8)))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(
            prefix=".earthprint-", dir=Path(request.output).resolve().parent)))
        magnitudes = str(stack.enter_context(whole(request.output)))
        account = _measure(fields, scene, how, magnitudes, request, Part(progress, 0.1, 0.6))
        threshold = _threshold(magnitudes, request, Part(progress, 0.6, 0.65))
        mask = str(stack.enter_context(whole(request.changed))) if request.changed else str(scratch / "changed.tif")
        products = merged(*(opened.space.provenance for opened in fields))
        marked = mark_changes(magnitudes, threshold, request.least_area, mask, scratch, products,
                              Part(progress, 0.65, 0.75))
        if request.direction:
            colours = str(stack.enter_context(whole(request.direction)))
            _paint(scene, how, _required(sample), threshold, mask, colours, request, Part(progress, 0.75, 0.9))
        polygons = 0
        if request.polygons:
            polygons = vectorise(Areas(request.polygons, values=magnitudes, threshold=threshold, value_name=_MEAN,
                                       least_area=request.least_area, provenance=products), Part(progress, 0.9, 1.0))
    _tell(account, marked, threshold, polygons, request, progress)
    return ChangeResult(request.output, threshold, marked.compared, marked.changed, marked.area, polygons,
                        account.blocks_read, account.bytes_read, time.monotonic() - started)


def check_request(request: ChangeRequest) -> None:
    """Refuse what can't be, before anything is read."""
    options, count = request.options, len(request.inputs)
    if options.method not in RASTER_METHODS:
        raise InputError("change-method", "METHOD: “{method}” is not one of {methods}.", method=options.method,
                         methods=", ".join(RASTER_METHODS))
    if options.method == HISTORY and count < LEAST_DATES:
        raise InputError("change-dates-few", "METHOD history needs at least {least} dates to know what is usual for a "
                         "place, and there are {count}: give more INPUTS, or choose cosine for two dates.",
                         least=LEAST_DATES, count=count)
    if options.method != HISTORY and count != 2:
        raise InputError("change-dates-many", "METHOD {method} compares two dates, and there are {count}: give BEFORE "
                         "and AFTER, or choose history for {least} dates and more.", method=options.method, count=count,
                         least=LEAST_DATES)
    if options.method == HISTORY and request.tolerance:
        raise InputError("change-history-tolerance", "TOLERANCE compares neighbours at two dates, which METHOD history "
                         "doesn't: set it to 0, or choose another method.")
    if parse_threshold(options.threshold) == STABLE and not options.stable:
        raise InputError("change-stable-missing", "THRESHOLD is stable, but STABLE names no polygons of ground that "
                         "didn't change: draw some, or choose otsu, triangle or a number.")


def _comparable_scene(fields: "list[Field]", request: ChangeRequest, progress: Progress) -> Scene:
    """Check that the dates may be compared, and bring them onto one grid."""
    dates = [dated(opened) for opened in fields]
    require_same_spaces(dates, progress)
    scene = aligned(fields, progress)
    require_untold(dates, scene.same_grid, request.encoders, progress)
    return scene


def _how(first: Field, request: ChangeRequest, sample: Optional[PairedSample], progress: Progress) -> How:
    """Return the way differences are measured, fitted where the method learns from the data."""
    method = request.options.method
    if method == COSINE and not first.space.unit_norm:
        progress.info("These vectors have lengths of their own, which the cosine ignores: where they are centred, as "
                      "those of automatic encoders, the methods standardised and euclidean find change better.")
    if method in (COSINE, EUCLIDEAN):
        return plain_measure(method)
    progress.report(0.1, "Learning what is usual")
    return fitted(method, _required(sample), first.space.metric == "cosine", progress)


def _required(sample: Optional[PairedSample]) -> PairedSample:
    """Return the sample that was read."""
    if sample is None:
        raise ValueError("a fit needs a sample")
    return sample


def _measure(fields: "list[Field]", scene: Scene, how: How, output: str, request: ChangeRequest,
             progress: Progress) -> PassAccount:
    """Write the magnitudes."""
    about = {"analysis": "change", "method": request.options.method, "tolerance": request.tolerance,
             "dates": list(request.labels)}
    if isinstance(how, History):
        about.update(least_scale=how.least_scale, metric="cosine" if how.angular else "euclidean")
    metadata = {"EARTHPRINT_RESULT": json.dumps(about, sort_keys=True), PROVENANCE_ITEM: json.dumps(
        {"inputs": [Path(opened.info.path).name for opened in fields], "key": fields[0].key}, sort_keys=True)}
    names: "tuple[str, ...]" = (BAND,)
    if isinstance(how, History):
        labels = request.labels or tuple(str(number) for number in range(1, len(fields) + 1))
        names += ("date",) + tuple(f"{BAND} {label}" for label in labels)
        function, parameters = history_block, {"history": how}
    else:
        function, parameters = pair_block, {"measure": how, "tolerance": request.tolerance}
    layout = RasterLayout(np.dtype("f4"), float("nan"), names)
    target = RasterOutput(output, layout, metadata)
    return run_pass(FieldPass(scene.sources, scene.grid, function, parameters, (target,), scene.block,
                              "Comparing", region=scene.region, margin=request.tolerance,
                              memory_mib=request.memory_mib), progress)


def _threshold(magnitudes: str, request: ChangeRequest, progress: Progress) -> float:
    """Return from which magnitude on cells changed, as the rasters' own type has it."""
    rule = parse_threshold(request.options.threshold)
    progress.report(0.0, "Finding the threshold")
    if isinstance(rule, float):
        return float(np.float32(rule))
    if rule == STABLE:
        values = MagnitudeFile(magnitudes, progress, request.options.stable)
        return stable_threshold(values, request.options.false_alarm, "STABLE", progress)
    return float(np.float32(split_threshold(MagnitudeFile(magnitudes, progress), rule, progress)))


def _paint(scene: Scene, how: How, sample: PairedSample, threshold: float, mask: str, output: str,
           request: ChangeRequest, progress: Progress) -> None:
    """Write the direction of change as colours."""
    layout = RasterLayout(np.dtype("u1"), 0.0, ("Component 1", "Component 2", "Component 3"))
    about = {"analysis": "change", "picture": "first three principal components of the differences"}
    parameters = {"direction": _direction(how, sample, threshold), "how": how, "mask": mask, "code": CHANGED,
                  "left": scene.region.x, "top": scene.region.y}
    run_pass(FieldPass(scene.sources, scene.grid, direction_block, parameters,
                       (RasterOutput(output, layout, {"EARTHPRINT_RESULT": json.dumps(about, sort_keys=True)}),),
                       scene.block, "Colouring", region=scene.region, memory_mib=request.memory_mib), progress)


def _direction(how: How, sample: PairedSample, threshold: float) -> Direction:
    """Fit the colours to the cells that changed, or to all of the sample where these are too few."""
    dates = [np.ascontiguousarray(date.T) for date in sample.vectors]
    if isinstance(how, Measure):
        magnitudes = how.distance(*how.mapped(*dates))
    else:
        magnitudes = odd_date(how.scores(how.distances(dates)[0]))[1]
    apart = differences_of(dates, how).T
    valid = np.isfinite(apart).all(axis=1)
    with np.errstate(invalid="ignore"):
        changed = valid & (magnitudes >= threshold)
    return fit_direction(apart[changed if changed.sum() >= _ENOUGH else valid])


def _tell(account: PassAccount, marked: Marked, threshold: float, polygons: int, request: ChangeRequest,
          progress: Progress) -> None:
    """Give a short account, and how far to trust it."""
    rate = account.blocks_read / account.seconds if account.seconds else 0.0
    share = marked.changed / marked.compared if marked.compared else 0.0
    progress.info(f"Compared {account.blocks_read} blocks, {rate:.1f} a second.")
    progress.info(f"Threshold {threshold:.6g}: {marked.changed} of {marked.compared} cells changed ({share:.2%}), "
                  f"{marked.area:.6g} m².")
    if request.polygons:
        progress.info(f"{polygons} polygons.")
    if parse_threshold(request.options.threshold) == STABLE:
        rate = request.options.false_alarm
        progress.info(f"At a false-alarm rate of {rate:.2%}, about {rate * marked.compared:.0f} of the cells would be "
                      "marked if nothing had changed"
                      + (", before small patches were removed." if request.least_area else "."))
