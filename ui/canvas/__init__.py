"""What the docks put onto the map: a pointer, marks, pictures; all of it is taken away again."""
