"""The batch dialog: a row a scene, one encoder that is not among the suggestions, an output for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ramps import mean_encoder, read_bands, write_ramp
from small_rasters import write_raster


def test_each_row_gives_its_own_field(
        provider: Any, run_algorithm: Any, qgis_new_project: Any, tmp_path: Path) -> None:
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
    from qgis.core import Qgis, QgsProcessingContext

    folder = tmp_path / "made"
    folder.mkdir()
    card = mean_encoder(folder, 8)
    first = write_ramp(tmp_path / "first.tif", 64, 48)
    ramp = read_bands(first)
    second = write_raster(tmp_path / "second.tif", (ramp + 100).astype(np.float32), names=("column", "row", "sum"))
    dialog = BatchAlgorithmDialog(provider.algorithm("embedraster").create())
    panel = dialog.mainWidget()
    panel.checkLoadLayersOnCompletion.setChecked(False)
    if panel.batchRowCount() < 2:
        panel.addRow(2 - panel.batchRowCount())
    context = QgsProcessingContext()
    for row, scene in enumerate((first, second)):
        for name, value in (("INPUT", str(scene)), ("ENCODER", str(card.path)), ("DIMENSIONS", 0)):
            panel.wrappers[row][panel.parameter_to_column[name]].setParameterValue(value, context)
        panel.tblParameters.cellWidget(row + 1, panel.parameter_to_column["OUTPUT"]).setValue(
            str(tmp_path / f"field{row}.tif"))
        # QGIS 3.40 wants the context, 3.22 has no such parameter; what it makes of a row is run here, one by one.
        extra = (context,) if Qgis.versionInt() >= 33000 else ()
        parameters, accepted = panel.parametersForRow(row, *extra)
        assert accepted and parameters["ENCODER"] == str(card.path)
        run_algorithm("embedraster", parameters)
    dialog.close()
    fields = [read_bands(tmp_path / f"field{row}.tif") for row in range(2)]
    columns, rows = np.meshgrid((np.arange(8) + 0.5) * 8, (np.arange(6) + 0.5) * 8)
    assert np.allclose(fields[0], np.stack([columns, rows, columns + rows]), atol=1e-4)
    assert np.allclose(fields[1] - fields[0], 100, atol=1e-3)
