"""Encoders and set-up: the window in which a person sees what is there, adds, tries, installs and reports."""
