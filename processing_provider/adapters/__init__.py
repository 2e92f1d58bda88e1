"""The only place where PyQGIS objects become what the engine takes: paths, bytes, arrays, a progress."""
