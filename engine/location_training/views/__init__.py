"""Three views of a place, aligned: where it is, what an embedding raster shows there, and what a photo shows."""
