"""Figures that stand where no real data is at hand: quantiles, shares and rates only, each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OLIST: Final = "Olist, public e-commerce data (Kaggle, CC BY-NC-SA 4.0): aggregates of a snapshot of 2018-07-01"
DELHIVERY: Final = "Delhivery, public legs of trips in India, 2018: aggregates"
CHANGSHU: Final = "Changshu, public parcel orders of one city, 2024 (MIT): aggregates"
ATTEMPTS: Final = "chosen: carriers commonly report that 80 to 95 % of first attempts deliver (no data set at hand)"
PLANTED: Final = "planted: the scanners' parameters (ScansParameters), no public figure"


@dataclass(frozen=True)
class Quantiles:
    """A distribution, known at ``distances.PROBABILITIES``."""

    quantiles: tuple[float, ...]
    source: str


@dataclass(frozen=True)
class Shares:
    """Shares of categories, which sum to 1."""

    shares: Mapping[str, float]
    source: str


@dataclass(frozen=True)
class Rate:
    """A share of a whole."""

    value: float
    source: str


DISTRIBUTIONS: Final[dict[str, Quantiles]] = {
    "delivery days": Quantiles((3.161, 4.429, 7.168, 11.13, 16.99, 24.94, 31.58), OLIST),
    "approval hours": Quantiles((0.1503, 0.1719, 0.2189, 0.3431, 14.66, 35.02, 48.8), OLIST),
    "handling hours": Quantiles((9.684, 13.95, 24.1, 47.41, 89.95, 144.8, 190.6), OLIST),
    "transit days": Quantiles((1.075, 1.942, 4.718, 7.829, 13.1, 20.76, 26.94), OLIST),
    "promised days": Quantiles((13.0, 15.0, 20.0, 24.0, 29.0, 34.0, 37.0), OLIST),
    "distance": Quantiles((17.6, 38.84, 207.4, 445.9, 810.4, 1479.0, 2126.0), OLIST),
    "delivery days, 0 to 50 km": Quantiles((1.832, 2.119, 3.168, 5.006, 7.31, 11.28, 15.13), OLIST),
    "delivery days, 50 to 200 km": Quantiles((2.14, 2.894, 4.359, 6.849, 10.16, 15.12, 19.29), OLIST),
    "delivery days, 200 to 500 km": Quantiles((4.922, 5.994, 7.787, 10.78, 15.22, 22.91, 29.2), OLIST),
    "delivery days, 500 to 1000 km": Quantiles((6.158, 7.219, 9.405, 13.15, 18.58, 26.0, 32.89), OLIST),
    "delivery days, 1000 to 2000 km": Quantiles((7.971, 9.211, 12.27, 16.71, 22.95, 31.61, 37.95), OLIST),
    "delivery days, 2000 to 5000 km": Quantiles((9.22, 11.16, 14.67, 20.02, 27.25, 37.0, 44.71), OLIST),
    "delivery days, SP to SP": Quantiles((2.107, 2.848, 4.352, 6.954, 10.18, 14.91, 19.1), OLIST),
    "delivery days, SP to RJ": Quantiles((6.158, 7.159, 9.911, 14.15, 22.03, 34.45, 42.34), OLIST),
    "delivery days, SP to MG": Quantiles((5.824, 6.798, 8.397, 11.51, 15.94, 21.95, 26.53), OLIST),
    "delivery days, SP to the South": Quantiles((6.454, 7.655, 9.987, 13.87, 19.54, 26.93, 33.35), OLIST),
    "delivery days, SP to the North-East": Quantiles((9.055, 10.91, 14.15, 19.15, 25.99, 34.96, 41.64), OLIST),
    "delivery days, SP to the North": Quantiles((10.22, 12.18, 15.73, 21.98, 29.43, 39.42, 46.05), OLIST),
    "weight of an item": Quantiles((140.0, 167.0, 300.0, 700.0, 1825.0, 6500.0, 9900.0), OLIST),
    "price of an item": Quantiles((17.9, 23.99, 39.99, 74.9, 135.0, 229.0, 345.6), OLIST),
    "freight of an item": Quantiles((7.78, 8.83, 13.08, 16.11, 20.36, 33.1, 43.67), OLIST),
    "orders of a merchant, by their mean": Quantiles((0.0331, 0.0331, 0.06619, 0.1986, 0.7612, 2.218, 3.996), OLIST),
    "days from lead to deal": Quantiles((1.125, 1.887, 5.544, 11.58, 28.85, 68.69, 107.7), OLIST),
    "actual to planned minutes, legs of an hour or more": Quantiles((1.225, 1.406, 1.699, 1.937, 2.312, 3.183, 4.623), DELHIVERY),
}

SHARES: Final[dict[str, Shares]] = {
    "items of an order": Shares({"1": 0.8995, "2": 0.0768, "3": 0.0138, "4": 0.0052, "5+": 0.0047}, OLIST),
    "means of payment": Shares({"boleto": 0.1925, "credit_card": 0.7415, "debit_card": 0.0098, "voucher": 0.0562}, OLIST),
    "hour of purchase": Shares(
        {
            "0": 0.0246,
            "1": 0.0123,
            "10": 0.0627,
            "11": 0.0669,
            "12": 0.0594,
            "13": 0.0656,
            "14": 0.066,
            "15": 0.0653,
            "16": 0.0658,
            "17": 0.062,
            "18": 0.0579,
            "19": 0.0601,
            "2": 0.0052,
            "20": 0.0618,
            "21": 0.0617,
            "22": 0.0588,
            "23": 0.0426,
            "3": 0.0029,
            "4": 0.002,
            "5": 0.002,
            "6": 0.005,
            "7": 0.0121,
            "8": 0.029,
            "9": 0.0483,
        },
        OLIST,
    ),
    "weekday of purchase": Shares({"1": 0.1623, "2": 0.1626, "3": 0.153, "4": 0.1468, "5": 0.1456, "6": 0.1092, "7": 0.1206}, OLIST),
    "state of destination": Shares(
        {
            "AC": 0.0008,
            "AL": 0.0041,
            "AM": 0.0013,
            "AP": 0.0007,
            "BA": 0.0344,
            "CE": 0.0144,
            "DF": 0.0215,
            "ES": 0.0212,
            "GO": 0.0214,
            "MA": 0.0079,
            "MG": 0.1182,
            "MS": 0.0073,
            "MT": 0.0096,
            "PA": 0.01,
            "PB": 0.0051,
            "PE": 0.0167,
            "PI": 0.0049,
            "PR": 0.0501,
            "RJ": 0.1326,
            "RN": 0.0051,
            "RO": 0.0024,
            "RR": 0.0004,
            "RS": 0.0569,
            "SC": 0.0377,
            "SE": 0.003,
            "SP": 0.4097,
            "TO": 0.0026,
        },
        OLIST,
    ),
    "state of origin": Shares(
        {
            "BA": 0.0058,
            "CE": 0.0005,
            "DF": 0.0085,
            "ES": 0.0032,
            "GO": 0.0045,
            "MA": 0.0024,
            "MG": 0.0775,
            "MS": 0.0003,
            "MT": 0.0017,
            "PA": 0.0001,
            "PB": 0.0002,
            "PE": 0.004,
            "PI": 0.0001,
            "PR": 0.0775,
            "RJ": 0.0408,
            "RN": 0.0006,
            "RO": 0.0002,
            "RS": 0.0175,
            "SC": 0.0354,
            "SE": 0.0001,
            "SP": 0.7192,
        },
        OLIST,
    ),
    "review score, on time": Shares({"1": 0.0681, "2": 0.0273, "3": 0.0834, "4": 0.2076, "5": 0.6136}, OLIST),
    "review score, 1 to 3 days late": Shares({"1": 0.2684, "2": 0.0786, "3": 0.1494, "4": 0.1919, "5": 0.3117}, OLIST),
    "review score, over a week late": Shares({"1": 0.7125, "2": 0.0947, "3": 0.0910, "4": 0.0440, "5": 0.0577}, OLIST),
    "channel of a lead": Shares(
        {
            "direct_traffic": 0.0624,
            "display": 0.0147,
            "email": 0.0616,
            "organic_search": 0.287,
            "other": 0.0187,
            "other_publicities": 0.0081,
            "paid_search": 0.1983,
            "referral": 0.0355,
            "social": 0.1688,
            "unknown": 0.1449,
        },
        OLIST,
    ),
}

RATES: Final[dict[str, Rate]] = {
    "late share": Rate(0.0788, OLIST),
    "delivered share": Rate(0.9783, OLIST),
    "cancelled share": Rate(0.005, OLIST),
    "leads won": Rate(0.0902, OLIST),
    "leads won, organic_search": Rate(0.0989, OLIST),
    "leads won, paid_search": Rate(0.1015, OLIST),
    "leads won, social": Rate(0.0467, OLIST),
    "leads won, unknown": Rate(0.1493, OLIST),
    "leads won, direct_traffic": Rate(0.1062, OLIST),
    "leads won, email": Rate(0.0264, OLIST),
    "parcels tried again on a later day": Rate(0.0331, CHANGSHU),
    "first attempts that deliver": Rate(0.92, ATTEMPTS),
    "scans uploaded twice": Rate(0.015, PLANTED),
    "scans uploaded after an hour": Rate(0.03, PLANTED),
    "visits whose sorting nobody scanned": Rate(0.02, PLANTED),
}
