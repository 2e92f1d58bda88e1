"""What both ways of embedding a raster ask for: declared, read and turned into the fields of a request in one place."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext

from ..engine.errors import InputError
from .adapters.extent import bounds, read_extent
from .adapters.feedback import FeedbackProgress
from .adapters.mask import MaskInput, resolve_mask
from .adapters.outputs import is_temporary
from .adapters.raster import RasterInput, raster_layer, resolve_raster, resolve_rasters
from .encoder_folders import encoder_folders
from .parameters.cells import CELL, OVERLAP, declare_cell, declare_overlap
from .parameters.encoder import AUTOMATIC, ENCODER, declare_encoder
from .parameters.numbers_out import CODING, DIMENSIONS, declare_coding, declare_dimensions
from .parameters.raster_input import (
    BANDS,
    DATES,
    FURTHER,
    INPUT,
    PIXEL_SIZE,
    declare_bands,
    declare_dates,
    declare_pixel_size,
    declare_raster,
)
from .parameters.region import EXTENT, MASK, declare_region
from .parameters.running import (
    BATCH,
    DEVICE,
    MEMORY,
    RESUME,
    SEED,
    declare_device,
    declare_memory,
    declare_resume,
    declare_seed,
)
from .parameters.validity import MIN_VALID, declare_min_valid


@dataclass
class EmbeddingInputs:
    """Resolved layers and plain values; `fields` opens what has to be opened, so it is called where work is done."""

    rasters: List[RasterInput]
    mask: Optional[MaskInput]
    extent: Optional[Tuple[float, float, float, float]]
    pixel_size: float
    plain: Dict[str, Any]

    def fields(self, output: str, progress: FeedbackProgress) -> Dict[str, Any]:
        """Return the keyword arguments that every embedding request takes."""
        first = self.rasters[0]
        if self.pixel_size > 0 and not first.needs_export:
            progress.warn("PIXEL_SIZE is not used: {} has pixels of its own.".format(first.name))
        extent = None if first.needs_export and not first.own_grid else self.extent
        return dict(
            self.plain, rasters=tuple(raster.dataset(progress) for raster in self.rasters), output=output,
            extent=extent, mask=self.mask.polygons(progress) if self.mask is not None else None,
            temporary=is_temporary(output), folders=encoder_folders())


def declare_embedding_inputs(algorithm: QgsProcessingAlgorithm) -> None:
    """Add the parameters in the order of the dialog: the plain ones first."""
    declare_raster(algorithm)
    declare_encoder(algorithm)
    declare_bands(algorithm)
    declare_region(algorithm)


def declare_embedding_details(algorithm: QgsProcessingAlgorithm) -> None:
    """Add the parameters that most runs leave alone."""
    declare_cell(algorithm)
    declare_dimensions(algorithm)
    declare_coding(algorithm)
    declare_overlap(algorithm)
    declare_min_valid(algorithm)
    declare_dates(algorithm)
    declare_pixel_size(algorithm)
    declare_device(algorithm)
    declare_memory(algorithm)
    declare_resume(algorithm)
    declare_seed(algorithm)


def read_embedding_inputs(algorithm: QgsProcessingAlgorithm, parameters: Dict[str, Any],
                          context: QgsProcessingContext) -> EmbeddingInputs:
    """Resolve layers on the main thread and read the plain values."""
    layer = raster_layer(algorithm, parameters, INPUT, context)
    crs = layer.crs() if layer is not None else None
    extent = read_extent(algorithm, parameters, EXTENT, context, crs) if crs is not None else None
    pixel_size = algorithm.parameterAsDouble(parameters, PIXEL_SIZE, context)
    first = resolve_raster(algorithm, parameters, INPUT, context, extent, pixel_size)
    rasters = [first] + resolve_rasters(algorithm, parameters, FURTHER, context)
    return EmbeddingInputs(
        rasters, resolve_mask(algorithm, parameters, MASK, context, first.crs), bounds(extent), pixel_size,
        {
            "encoder": algorithm.parameterAsString(parameters, ENCODER, context).strip() or AUTOMATIC,
            "bands": algorithm.parameterAsString(parameters, BANDS, context).strip(),
            "cell": algorithm.parameterAsInt(parameters, CELL, context),
            "overlap": algorithm.parameterAsInt(parameters, OVERLAP, context),
            "dimensions": algorithm.parameterAsInt(parameters, DIMENSIONS, context),
            "coding": algorithm.parameterAsEnumString(parameters, CODING, context),
            "device": algorithm.parameterAsEnumString(parameters, DEVICE, context),
            "batch": algorithm.parameterAsInt(parameters, BATCH, context),
            "memory_mib": algorithm.parameterAsInt(parameters, MEMORY, context),
            "resume": algorithm.parameterAsBool(parameters, RESUME, context),
            "seed": algorithm.parameterAsInt(parameters, SEED, context),
            "min_valid": algorithm.parameterAsDouble(parameters, MIN_VALID, context),
            "dates": read_dates(algorithm.parameterAsString(parameters, DATES, context), len(rasters)),
        })


def read_dates(text: str, rasters: int) -> Tuple[str, ...]:
    """Return the ISO dates of a text, one for each raster, or none."""
    dates = tuple(part.strip() for part in text.split(";") if part.strip())
    for date in dates:
        try:
            datetime.datetime.fromisoformat(date.replace("Z", "+00:00"))
        except ValueError:
            raise InputError("date", "DATES: “{date}” is not a date: write it as 2023-05-14 or 2023-05-14T10:30.",
                             date=date) from None
    if dates and len(dates) != rasters:
        raise InputError("date-count", "DATES: there are {rasters} rasters (INPUT and FURTHER) but {dates} dates: give "
                         "one for each, in their order.", rasters=rasters, dates=len(dates))
    return dates
