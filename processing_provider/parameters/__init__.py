"""Declarers of the parameters that algorithms share, with their help, so that one name means one thing everywhere."""
