"""The engine's log arrives in QGIS's message log with the right level and without the home folder's name."""

from __future__ import annotations

import logging
import os

import pytest

pytest.importorskip("qgis.core")
from qgis.core import Qgis, QgsApplication

from earthprint.plugin import message_log


@pytest.fixture
def messages(qgis_app):
    seen = []

    def note(text, tag, level):
        seen.append((text, tag, level))

    QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].connect(note)
    yield seen
    QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].disconnect(note)


def test_levels_tag_and_home(messages):
    home = os.path.expanduser("~")
    detach = message_log.attach()
    try:
        logger = logging.getLogger("earthprint.some.part")
        logger.debug("not worth it")
        logger.info("read %s", os.path.join(home, "scene.tif"))
        logger.warning("careful")
        logger.error("failed")
    finally:
        detach()
    logging.getLogger("earthprint").error("after the end")
    ours = [message for message in messages if message[1] == "Earthprint"]
    assert ours == [
        ("read ~/scene.tif", "Earthprint", Qgis.MessageLevel.Info),
        ("careful", "Earthprint", Qgis.MessageLevel.Warning),
        ("failed", "Earthprint", Qgis.MessageLevel.Critical),
    ]


def test_detaching_leaves_the_logger_as_it_was(qgis_app):
    logger = logging.getLogger("earthprint")
    before = (list(logger.handlers), logger.level)
    message_log.attach()()
    assert (list(logger.handlers), logger.level) == before
