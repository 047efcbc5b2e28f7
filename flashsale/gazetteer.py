"""Places orders can come from: position, province and population.

Population in millions, Pakistan's 2023 census, city proper; positions in degrees.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A city."""

    province: str
    latitude: float
    longitude: float
    population_millions: float


_CAPITAL = "Islamabad Capital Territory"
_KPK = "Khyber Pakhtunkhwa"

PLACES: dict[str, Place] = {
    "Karachi": Place("Sindh", 24.8607, 67.0011, 18.87),
    "Lahore": Place("Punjab", 31.5204, 74.3587, 13.00),
    "Faisalabad": Place("Punjab", 31.4504, 73.1350, 3.69),
    "Rawalpindi": Place("Punjab", 33.5651, 73.0169, 3.36),
    "Gujranwala": Place("Punjab", 32.1877, 74.1945, 2.67),
    "Multan": Place("Punjab", 30.1575, 71.5249, 2.22),
    "Hyderabad": Place("Sindh", 25.3960, 68.3578, 1.92),
    "Peshawar": Place(_KPK, 34.0151, 71.5249, 1.91),
    "Quetta": Place("Balochistan", 30.1798, 66.9750, 1.57),
    "Islamabad": Place(_CAPITAL, 33.6844, 73.0479, 1.11),
    "Sargodha": Place("Punjab", 32.0836, 72.6711, 0.98),
    "Sialkot": Place("Punjab", 32.4945, 74.5229, 0.91),
    "Bahawalpur": Place("Punjab", 29.3956, 71.6836, 0.90),
    "Jhang": Place("Punjab", 31.2781, 72.3317, 0.61),
    "Sheikhupura": Place("Punjab", 31.7167, 73.9850, 0.59),
    "Gujrat": Place("Punjab", 32.5731, 74.1005, 0.57),
    "Sukkur": Place("Sindh", 27.7052, 68.8574, 0.56),
    "Larkana": Place("Sindh", 27.5590, 68.2120, 0.55),
    "Sahiwal": Place("Punjab", 30.6682, 73.1114, 0.54),
    "Rahim Yar Khan": Place("Punjab", 28.4212, 70.2989, 0.52),
    "Mardan": Place(_KPK, 34.1986, 72.0404, 0.37),
    "Mirpur Khas": Place("Sindh", 25.5276, 69.0126, 0.27),
    "Abbottabad": Place(_KPK, 34.1688, 73.2215, 0.24),
    "Muzaffarabad": Place("Azad Jammu and Kashmir", 34.3700, 73.4711, 0.16),
    "Gwadar": Place("Balochistan", 25.1264, 62.3225, 0.07),
    "Gilgit": Place("Gilgit-Baltistan", 35.9208, 74.3144, 0.08),
}
