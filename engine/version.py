"""The version of the plugin, which is part of what a journal and a file say of how they were made."""

VERSION = "0.1.0"
