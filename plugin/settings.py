"""What the plugin remembers in QGIS's settings, each under a name of its own."""

from __future__ import annotations

from qgis.core import QgsApplication, QgsSettings

HINT_SHOWN = "earthprint/packages/hint_shown"
GREETED = "earthprint/setup/greeted"
INSPECTOR_OPEN = "earthprint/inspector/open"


def profile_folder() -> str:
    """Return the folder of the user's profile."""
    return QgsApplication.qgisSettingsDirPath()


def hint_shown_for() -> str:
    """Return the kind of host for which the user has been told that packages are missing."""
    return QgsSettings().value(HINT_SHOWN, "", type=str)


def remember_hint_for(tag: str) -> None:
    """Note that the user has been told, so that it isn't said at every start but again after an update of Python."""
    QgsSettings().setValue(HINT_SHOWN, tag)


def inspector_open() -> bool:
    """Tell whether the inspector was open when QGIS was closed; the dock notes it when the user closes it."""
    return QgsSettings().value(INSPECTOR_OPEN, False, type=bool)


def remember_inspector_open() -> None:
    """Note that the user wants the inspector."""
    QgsSettings().setValue(INSPECTOR_OPEN, True)


def greets() -> bool:
    """Tell whether the next start greets: the first one does, and later ones if the user wants that."""
    return not QgsSettings().value(GREETED, False, type=bool)


def greet(wanted: bool) -> None:
    """Decide whether the next start greets."""
    QgsSettings().setValue(GREETED, not wanted)


def proxy_url() -> str:
    """Return QGIS's own proxy in the form that pip takes, empty where there is none."""
    settings = QgsSettings()
    if not settings.value("proxy/proxyEnabled", False, type=bool):
        return ""
    if settings.value("proxy/proxyType", "", type=str) not in ("HttpProxy", "HttpCachingProxy"):
        return ""
    host = settings.value("proxy/proxyHost", "", type=str)
    port = settings.value("proxy/proxyPort", "", type=str)
    if not host:
        return ""
    return "http://{}:{}".format(host, port) if port else "http://{}".format(host)
