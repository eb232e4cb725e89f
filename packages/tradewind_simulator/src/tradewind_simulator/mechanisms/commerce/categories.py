"""The product categories: how much of demand each has, what its products cost and weigh.

Names are those of the public Olist translation list. Shares, median prices and median weights are rounded from Olist's public
aggregates (Kaggle, "Brazilian E-Commerce Public Dataset by Olist", items 2016–2018); rare categories are left out. A group is the
shelf that the categories stand on (chosen: for reports).
"""

from dataclasses import dataclass

import numpy as np

from tradewind_simulator.streams import Floats


@dataclass(frozen=True)
class Category:
    """A category: weight of its demand, median price in the world's currency, median packed weight in grams, its group."""

    name: str
    demand: float
    price: float
    weight_g: float
    group: str


CATEGORIES: tuple[Category, ...] = (
    Category("bed_bath_table", 11.1, 80, 1100, "home"),
    Category("health_beauty", 9.7, 78, 420, "care"),
    Category("sports_leisure", 8.6, 78, 700, "leisure"),
    Category("furniture_decor", 8.3, 66, 1300, "home"),
    Category("computers_accessories", 7.8, 82, 400, "electronics"),
    Category("housewares", 7.0, 60, 1500, "home"),
    Category("watches_gifts", 6.0, 130, 350, "fashion"),
    Category("telephony", 4.5, 32, 230, "electronics"),
    Category("garden_tools", 4.3, 60, 1300, "home"),
    Category("auto", 4.2, 85, 900, "auto"),
    Category("toys", 4.1, 79, 800, "leisure"),
    Category("cool_stuff", 3.8, 110, 1100, "leisure"),
    Category("perfumery", 3.4, 90, 350, "care"),
    Category("baby", 3.1, 90, 1600, "family"),
    Category("electronics", 2.8, 38, 300, "electronics"),
    Category("stationery", 2.5, 60, 700, "leisure"),
    Category("fashion_bags_accessories", 2.0, 50, 350, "fashion"),
    Category("pet_shop", 1.9, 70, 1500, "family"),
    Category("office_furniture", 1.7, 140, 9500, "home"),
    Category("luggage_accessories", 1.1, 90, 2200, "fashion"),
    Category("consoles_games", 1.1, 60, 300, "electronics"),
    Category("construction_tools_construction", 0.9, 80, 1500, "home"),
    Category("home_appliances", 0.8, 75, 1800, "home"),
    Category("small_appliances", 0.7, 170, 3500, "home"),
    Category("musical_instruments", 0.7, 130, 2000, "leisure"),
    Category("furniture_living_room", 0.5, 120, 7000, "home"),
    Category("food_drink", 0.5, 42, 600, "family"),
    Category("books_general_interest", 0.5, 60, 600, "leisure"),
    Category("home_construction", 0.5, 60, 1400, "home"),
    Category("air_conditioning", 0.3, 120, 3200, "home"),
)

NAMES: tuple[str, ...] = tuple(category.name for category in CATEGORIES)
"""Their names; a category's code is its position here."""

SHARES: Floats = np.array([category.demand for category in CATEGORIES]) / sum(category.demand for category in CATEGORIES)
"""Share of demand that each category has; sums to 1."""
