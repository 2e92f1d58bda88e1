"""Made-up results of trainings, for tests and for looking at pages."""

from __future__ import annotations

import numpy as np

from earthprint.engine.training.report import (
    Applicability,
    ClassesTold,
    Compared,
    Coverage,
    FoldScores,
    FoldsTold,
    Headline,
    Importance,
    Measure,
    PlacesTold,
    Reliability,
    ReportInput,
    ScoreRow,
    ScoreTable,
    TargetTold,
)

FIGURES = ("R²", "RMSE", "MAE", "bias")


def regression(rows: int = 25_000, seed: int = 0, targets: int = 1) -> ReportInput:
    """Return a regression that random folds flatter."""
    chance = np.random.default_rng(seed)
    points = chance.normal(0, 1, (rows, 2)) * (9000, 14000) + (500_000, 5_700_000)
    truth = np.exp(11 + 0.4 * np.sin(points[:, 0] / 5000) + chance.normal(0, 0.3, rows))
    predicted = np.exp(0.6 * np.log(truth) + 0.4 * 11 + chance.normal(0, 0.12, rows) + points[:, 1] / 2e5 - 28.5)
    fold = ((points[:, 0] // 8000).astype(int) * 3 + (points[:, 1] // 8000).astype(int) * 7) % 5
    names = [f"price {number}" if number else "price" for number in range(targets)]
    tables = tuple(ScoreTable(FIGURES, (
        ScoreRow("gradient boosting, spatial blocks", "model", (Measure(0.34, 0.21, 0.47), Measure(31200, 28000, 35500),
                                                Measure(21300, 19000, 24000), Measure(-450, -2500, 1600))),
        ScoreRow("gradient boosting, random folds", "random", (Measure(0.79, 0.78, 0.80), Measure(17600, 17200, 18000),
                                                      Measure(11900), Measure(12))),
        ScoreRow("The mean for all", "baseline", (Measure(-0.01, -0.03, 0.0), Measure(38500), Measure(28900),
                                                  Measure(0.0))),
        ScoreRow("Coordinates only", "baseline", (Measure(-7.2, -12.0, -1.9), Measure(99000), Measure(61000),
                                                  Measure(9000))),
        ScoreRow("Other columns only", "baseline", (Measure(0.22, 0.1, 0.33), Measure(34000), Measure(24000),
                                                    Measure(-300)))), name if targets > 1 else "", "$")
        for name in names)
    return ReportInput(
        "Price predicted from embeddings", "regression",
        Headline("R²", Measure(0.34, 0.21, 0.47), "at new places", 0.79),
        (("Labelled layer", "houses"), ("Target", "price ($)"), ("Embeddings", "alphaearth_2020 (64 dimensions)"),
         ("Further columns", "TLA, yrbuilt, wall"), ("Model", "best of ridge, forest, boosting"), ("Seed", "0")),
        ("Random folds say R² 0.79, new places 0.34: expect the second. The training places lie in clusters, and "
         "between neighbours prediction is easy.",
         "The column yrbuilt had 312 empty cells; they were filled with the median, 1951."),
        tables,
        FoldsTold("spatial blocks", 5, "Errors resemble each other up to about 7,600 m apart, so places that far from "
                  "each other were kept in one fold.", 8000.0, "m"),
        PlacesTold(points, fold, metres=1.0),
        FoldScores(FIGURES, ("1", "2", "3", "4", "5"), tuple(np.bincount(fold, minlength=5).tolist()),
                   ((0.31, 30100, 20500, -800), (0.47, 27000, 18800, 100), (0.22, 36000, 25100, 2300),
                    (0.36, 31000, 21000, -1500), (0.33, 31900, 21900, -2300))),
        tuple(TargetTold(name, truth, predicted, "$", "ln(value)",
                         "Errors of neighbours are alike: Moran's I of the residuals is 0.31 (0 would be none, "
                         "p < 0.001), so something that varies in space is missing from the inputs.")
              for name in names),
        coverage=tuple(Coverage(level, found, width, "price", "$")
                       for level, found, width in ((0.5, 0.49, 25000), (0.8, 0.81, 61000), (0.9, 0.89, 88000))),
        applicability=Applicability(0.83, 0.041),
        compared=(Compared("ridge", Measure(0.34, 0.21, 0.47), "penalty 12.6", True),
                  Compared("forest", Measure(0.31, 0.2, 0.42), "200 trees"),
                  Compared("boosting", Measure(0.29, 0.12, 0.45), "180 rounds, 31 leaves")),
        importance=(Importance("Embedding", Measure(0.21, 0.15, 0.26)), Importance("TLA", Measure(0.34, 0.3, 0.38)),
                    Importance("yrbuilt", Measure(0.05, 0.03, 0.07)), Importance("wall", Measure(0.004, -0.001, 0.01))),
        importance_label="loss of R²",
        counts=(f"{rows + 357:,} features were read, {rows:,} used.", "45 have no price, 312 lie outside the raster."),
        provenance=("AlphaEarth Foundations Satellite Embedding: produced by Google and Google DeepMind. Licence: "
                    "CC BY 4.0.",),
        versions=(("Earthprint", "0.1"), ("scikit-learn", "1.2.1"), ("NumPy", "1.24.2")))


def classification(rows: int = 97, classes: int = 4, seed: int = 1) -> ReportInput:
    """Return a classification, of few rows by default."""
    chance = np.random.default_rng(seed)
    names = (("forest", "pasture", "urban", "water")[:classes] if classes <= 4
             else tuple(f"kind {number}" for number in range(classes)))
    palette = ("#1b7837", "#d9b44a", "#b2182b", "#2166ac")
    colours = tuple(palette[number % 4] for number in range(classes))
    truth = chance.integers(0, classes, rows)
    predicted = np.where(chance.random(rows) < 0.78, truth, chance.integers(0, classes, rows))
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (truth, predicted), 1)
    points = np.column_stack([12.3 + chance.random(rows) * 0.02 + truth * 0.004, 51.3 + chance.random(rows) * 0.02])
    stated = np.linspace(0.3, 0.97, 8)
    return ReportInput(
        "Land cover predicted from embeddings", "classification",
        Headline("balanced accuracy", Measure(0.78, 0.69, 0.87), "at new places", 0.80),
        (("Labelled layer", "leipzig_points"), ("Target", "land_cover")), (),
        (ScoreTable(("balanced accuracy", "accuracy", "kappa"), (
            ScoreRow("The model (logistic)", "model", (Measure(0.78, 0.69, 0.87), Measure(0.79), Measure(0.71))),
            ScoreRow("gradient boosting, random folds", "random", (Measure(0.80, 0.7, 0.9), Measure(0.81),
                                                                   Measure(0.73))),
            ScoreRow("Always urban", "baseline", (Measure(0.25), Measure(0.37), Measure(0.0))),
            ScoreRow("Coordinates only", "baseline", (Measure(0.51, 0.4, 0.62), Measure(0.55), Measure(0.33)))),
            "land_cover"),),
        FoldsTold("random", 5, "The points lie evenly, so random folds are honest here."),
        PlacesTold(points, chance.integers(0, 5, rows), degrees=True),
        classes=ClassesTold(names, colours, confusion, truth, predicted,
                            tuple(Measure(0.7 + 0.05 * (number % 4), 0.6, 0.9) for number in range(classes)),
                            "Wrong classes lie scattered: Moran's I of the errors is 0.02 (p = 0.4).",
                            ("“shrub” (3 rows) was merged into “pasture”.",)),
        reliability=Reliability(stated, stated - 0.04, np.array([4, 6, 8, 9, 12, 15, 20, 23]), 0.04),
        applicability=Applicability(1.02, 0.03))
