"""The pages of the inspector, in the order of their tabs: a line each."""

from __future__ import annotations

from typing import Callable, List

from .pages import Page


def tabs() -> "List[Callable[[], Page]]":
    """Return what makes the pages; imported only when the dock is wanted, so that QGIS starts without them."""
    from .compare_page import ComparePage
    from .examples_page import ExamplesPage
    from .point_page import PointPage
    from .scatter_page import ScatterPage
    from .similarity_page import SimilarityPage
    from .time_page import TimePage

    return [
        PointPage,
        SimilarityPage,
        ComparePage,
        ScatterPage,
        TimePage,
        ExamplesPage,
    ]
