"""What people call bands: sensors' codes, colours and wavelengths, read from the description of a band."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Optional, Sequence


@dataclass(frozen=True)
class BandIdentity:
    """What is known of a band: its name in plain spelling, its sensor's code (“2”, “8A”), colour and wavelength.

    `sensors` are those that the band may come from, judged by all bands of the layer; none are named where no code is.
    """

    name: str
    code: str = ""
    common_name: str = ""
    wavelength_um: Optional[float] = None
    sensors: "frozenset[str]" = frozenset()


@dataclass(frozen=True)
class Sensor:
    """The bands of a sensor by code, and how its products write the codes."""

    bands: "Mapping[str, tuple[str, float]]"
    padded: bool
    unpadded: bool
    prefixes: "tuple[str, ...]" = ()


SENSORS: "Mapping[str, Sensor]" = {
    "sentinel-2": Sensor({
        "1": ("coastal", 0.443), "2": ("blue", 0.493), "3": ("green", 0.56), "4": ("red", 0.665),
        "5": ("rededge", 0.704), "6": ("rededge", 0.74), "7": ("rededge", 0.783), "8": ("nir", 0.833),
        "8A": ("nir08", 0.865), "9": ("nir09", 0.945), "10": ("cirrus", 1.374), "11": ("swir16", 1.61),
        "12": ("swir22", 2.19)}, True, True),
    "landsat-8-9": Sensor({
        "1": ("coastal", 0.443), "2": ("blue", 0.482), "3": ("green", 0.562), "4": ("red", 0.655),
        "5": ("nir08", 0.865), "6": ("swir16", 1.609), "7": ("swir22", 2.201), "8": ("pan", 0.59),
        "9": ("cirrus", 1.373), "10": ("lwir11", 10.9), "11": ("lwir12", 12.0)}, False, True),
    "landsat-4-7": Sensor({
        "1": ("blue", 0.485), "2": ("green", 0.56), "3": ("red", 0.66), "4": ("nir08", 0.83), "5": ("swir16", 1.65),
        "6": ("lwir", 11.45), "7": ("swir22", 2.22), "8": ("pan", 0.71)}, False, True),
    "hls-l30": Sensor({
        "1": ("coastal", 0.443), "2": ("blue", 0.482), "3": ("green", 0.562), "4": ("red", 0.655),
        "5": ("nir08", 0.865), "6": ("swir16", 1.609), "7": ("swir22", 2.201), "9": ("cirrus", 1.373),
        "10": ("lwir11", 10.9), "11": ("lwir12", 12.0)}, True, False),
    "modis": Sensor({
        "1": ("red", 0.645), "2": ("nir", 0.858), "3": ("blue", 0.469), "4": ("green", 0.555), "5": ("", 1.24),
        "6": ("swir16", 1.64), "7": ("swir22", 2.13)}, False, False, ("sur_refl_b",)),
}
LANDSAT_PREFIXES = ("sr_b", "sr_band", "toa_b")

_COLOURS = (
    (r"(coastal|ultra)([\s_-]*(aerosol|blue))?|aerosol", "coastal"),
    (r"(vegetation\s+)?red[\s_-]*edge[\s_-]*\d?|re[\s_-]?[123]", "rededge"),
    (r"(nir|near[\s_-]*infra[\s_-]*red)[\s_-]*(narrow|08)|narrow[\s_-]*(nir|near[\s_-]*infra[\s_-]*red)", "nir08"),
    (r"(nir|near[\s_-]*infra[\s_-]*red|vnir)([\s_-]*(broad|1))?|infrared", "nir"),
    (r"water[\s_-]*vapou?r|nir09", "nir09"),
    (r"swir[\s_-]*(1|16)|short[\s_-]*wave[\s_-]*infra[\s_-]*red[\s_-]*1", "swir16"),
    (r"swir[\s_-]*(2|22)|short[\s_-]*wave[\s_-]*infra[\s_-]*red[\s_-]*2", "swir22"),
    (r"pan(chromatic)?", "pan"), (r"cirrus", "cirrus"), (r"yellow", "yellow"),
    (r"green[\s_-]*(i|1)", ""), (r"blue", "blue"), (r"green", "green"), (r"red", "red"))
_EDGES = {"1": 0.704, "2": 0.74, "3": 0.783}
_CODE = re.compile(r"(?:^|[\s_.:/-])(?:b|band)[\s_]*(0*)(\d{1,2})(a?)(?=$|[\s_.,:;()\[\]/-])")
_WAVELENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(nm|nanomet|[µμu]m|micromet)")


def identify(descriptions: "Sequence[str]", wavelengths: "Sequence[Optional[float]]") -> "list[BandIdentity]":
    """Say what each band of a layer is, as far as all sensors agree that the names could come from."""
    names = [spelled(text) for text in descriptions]
    codes = [_CODE.search(f" {_without_prefix(name)}") for name in names]
    wavelengths = [_stated_wavelength(name) if value is None else value for name, value in zip(names, wavelengths)]
    sensors = _possible_sensors(names, codes, wavelengths)
    return [_identify_one(name, code, wavelength, sensors)
            for name, code, wavelength in zip(names, codes, wavelengths)]


def spelled(text: str) -> str:
    """Return a name in one spelling: small letters, single spaces."""
    return " ".join((text or "").lower().split())


def _identify_one(name: str, code: "Optional[re.Match[str]]", wavelength: Optional[float],
                  sensors: "Sequence[str]") -> BandIdentity:
    """Put together what a name, its code and a stated wavelength tell of one band."""
    key = f"{int(code[2])}{code[3].upper()}" if code is not None else ""
    common, edge = _colour(name)
    if wavelength is None:
        wavelength = edge
    meanings = {SENSORS[sensor].bands[key] for sensor in sensors} if key else set()
    names = {meaning[0] for meaning in meanings}
    lengths = [meaning[1] for meaning in meanings]
    if meanings and len(names) == 1 and min(lengths) > 0 and max(lengths) - min(lengths) <= 0.03:
        if not common:
            common = names.pop()
        if wavelength is None:
            wavelength = sum(lengths) / len(lengths)
    return BandIdentity(name=name, code=key, common_name=common, wavelength_um=wavelength,
                        sensors=frozenset(sensors) if key else frozenset())


def _possible_sensors(names: "Sequence[str]", codes: "Sequence[Optional[re.Match[str]]]",
                      wavelengths: "Sequence[Optional[float]]") -> "list[str]":
    """Return the sensors whose bands these names and wavelengths could be."""
    found = [code for code in codes if code is not None]
    if not found:
        return []
    keys = {f"{int(code[2])}{code[3].upper()}" for code in found}
    padded = any(code[1] for code in found)
    short = any(not code[1] and int(code[2]) < 10 and not code[3] for code in found)
    if any(name.startswith(prefix) for name in names for prefix in SENSORS["modis"].prefixes):
        return ["modis"] if keys <= set(SENSORS["modis"].bands) else []
    landsat = any(name.startswith(prefix) for name in names for prefix in LANDSAT_PREFIXES)
    possible = []
    for title, sensor in SENSORS.items():
        if sensor.prefixes or not keys <= set(sensor.bands) or (landsat and not title.startswith("landsat")):
            continue
        if (padded and not sensor.padded) or (short and not sensor.unpadded):
            continue
        # Surface reflectance of Landsat 4 to 7 has no band 6, the thermal one.
        if landsat and title == "landsat-4-7" and "6" in keys:
            continue
        if all(_agrees(sensor, code, wavelength) for code, wavelength in zip(codes, wavelengths)):
            possible.append(title)
    return possible


def _agrees(sensor: Sensor, code: "Optional[re.Match[str]]", wavelength: Optional[float]) -> bool:
    """Tell whether a stated wavelength could be that of the sensor's band of this code."""
    if code is None or wavelength is None:
        return True
    expected = sensor.bands[f"{int(code[2])}{code[3].upper()}"][1]
    return abs(wavelength - expected) <= max(0.03, 0.05 * expected)


def _without_prefix(name: str) -> str:
    """Take away what products put before a code, so that SR_B4 and sur_refl_b01 are read like B4 and b01."""
    return re.sub(r"^(sr|toa|sur_refl|surface_reflectance|s2|l8|l9|hls)[\s_]+", "", name)


def _stated_wavelength(name: str) -> Optional[float]:
    """Return a wavelength in a name, such as “B5 (705 nm)”, in micrometres."""
    match = _WAVELENGTH.search(name)
    if match is None:
        return None
    value = float(match[1]) / (1000 if match[2].startswith("n") else 1)
    return value if 0.2 <= value <= 1000 else None


def _colour(name: str) -> "tuple[str, Optional[float]]":
    """Return the colour that a name holds, and the wavelength of a numbered red edge."""
    words = re.sub(r"^.*?\bband\s*\d+\s*[:\-]?\s*|[()\[\]:;,]", " ", name).strip()
    for pattern, common in _COLOURS:
        match = re.search(rf"(?:^|[\s_/.-])(?:{pattern})(?=$|[\s_/.-])", words)
        if match is not None:
            number = re.search(r"[123]$", match[0].strip())
            return common, _EDGES[number[0]] if common == "rededge" and number else None
    return "", None
