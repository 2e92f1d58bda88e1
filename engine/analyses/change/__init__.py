"""What changed between the dates of embedding rasters and tables, how much, and from when on it counts."""
