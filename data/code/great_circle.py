"""Distances and directions on a round Earth, from latitude and longitude in degrees.

The sphere is a simplification: against the ellipsoid it is wrong by up to half a per cent. For
parcels and walks that is plenty; surveyors should look elsewhere.
"""

from __future__ import annotations

from math import asin, atan2, cos, degrees, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Kilometres between two points as the crow flies, by the haversine formula, which stays exact
    for small gaps.
    """
    (lat_a, lon_a), (lat_b, lon_b) = _in_radians(a), _in_radians(b)
    h = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(h)))


def bearing_deg(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The compass course on which one leaves `a` for `b`: 0 is north, 90 east; always in [0, 360).
    """
    (lat_a, lon_a), (lat_b, lon_b) = _in_radians(a), _in_radians(b)
    east = sin(lon_b - lon_a) * cos(lat_b)
    north = cos(lat_a) * sin(lat_b) - sin(lat_a) * cos(lat_b) * cos(lon_b - lon_a)
    return degrees(atan2(east, north)) % 360


def nearest(here: tuple[float, float], places: dict[str, tuple[float, float]]) -> str:
    """The name of the place closest to `here`; equal distances go to the name that sorts first."""
    if not places:
        raise ValueError("no places given")
    return min(sorted(places), key=lambda name: distance_km(here, places[name]))


def _in_radians(point: tuple[float, float]) -> tuple[float, float]:
    latitude, longitude = point
    if not -90 <= latitude <= 90:
        raise ValueError(f"latitude out of range: {latitude}")
    return radians(latitude), radians(longitude)
