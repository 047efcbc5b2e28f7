"""Plausible product names by category; an unknown category gets numbered house-brand names."""

import numpy as np

_CATALOGUE: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # category: (lines, models, variants)
    "Phones": (
        ("Nimbus", "Falcon", "Indus", "Zarb", "Meridian"),
        ("5G", "5G Plus", "Note", "Lite", "Ultra"),
        ("64 GB", "128 GB", "256 GB", "512 GB"),
    ),
    "Audio": (
        ("Aurora", "Raag", "Echo", "Sitar", "Pulse"),
        ("Buds", "Headset", "Soundbar", "Speaker", "Neckband"),
        ("Pro", "Mini", "Max", "SE"),
    ),
    "Home Cooling": (
        ("Desert", "Chenab", "Monsoon", "Kaghan", "Breeze"),
        ("Air Cooler", "Pedestal Fan", "Ceiling Fan", "Inverter AC", "Tower Fan"),
        ("1 t", "1.5 t", "Silent", "Solar"),
    ),
    "Kitchen": (
        ("Dastar", "Zaiqa", "Tandoor", "Noor", "Saffron"),
        ("Air Fryer", "Blender", "Rice Cooker", "Kettle", "Chai Set"),
        ("2 L", "4 L", "6 L", "Family"),
    ),
    "Fashion": (
        ("Chinar", "Gulmohar", "Zari", "Ravi", "Mehran"),
        ("Lawn Suit", "Kurta", "Shawl", "Denim Jacket", "Dupatta"),
        ("S", "M", "L", "XL"),
    ),
    "Shoes": (
        ("Kids", "Trail", "Court", "City", "Khussa"),
        ("Sneaker", "Sandal", "Runner", "Loafer", "Boot"),
        ("31", "36", "40", "43"),
    ),
    "Beauty": (
        ("Gulab", "Haldi", "Neem", "Chandni", "Motia"),
        ("Face Serum", "Hair Oil", "Lip Set", "Sunscreen", "Perfume"),
        ("30 ml", "50 ml", "100 ml", "Gift Box"),
    ),
    "Grocery": (
        ("Basmati", "Chaunsa", "Sindhri", "Hunza", "Swat"),
        ("Rice", "Ghee", "Honey", "Tea", "Dry Fruit"),
        ("500 g", "1 kg", "5 kg", "Family Pack"),
    ),
}


def product_names(category: str, count: int, rng: np.random.Generator) -> list[str]:
    """`count` different names in `category`; beyond the catalogue's combinations they get a series number."""
    if category not in _CATALOGUE:
        return [f"{category} {i + 1}" for i in range(count)]
    lines, models, variants = _CATALOGUE[category]
    names = [f"{line} {model} {variant}" for line in lines for model in models for variant in variants]
    order = rng.permutation(len(names))
    drawn = []
    for i in range(count):
        series, position = divmod(i, len(names))
        drawn.append(names[order[position]] + (f" Series {series + 1}" if series else ""))
    return drawn
