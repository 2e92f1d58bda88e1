"""H3 hexagons: fields and tables aggregated to the cells of a world-wide grid."""
