"""Named streams of random numbers that are keyed by what they are drawn for.

A draw is a function of the seed, the stream's name, the keys of the entity and a slot: not of how many draws came before.
So one lever that changes adds or takes away entities, and every entity that is in both worlds has the same draws in both:
common random numbers without bookkeeping. Counter-based generators are the idea of Salmon et al., "Parallel random numbers:
as easy as 1, 2, 3" (SC11); the mixing function is the finalizer of SplitMix64 (Steele, Lea, Flood 2014; constants: Stafford's 13th).

Keys are integers that name the entity (its number, its day), never its position in an array. A call site gives each key either
always as a scalar or always as an array: the two are not the same draw.
"""

import hashlib
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, pdtrik

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Key: TypeAlias = int | npt.NDArray[np.integer]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_WORD = (1 << 64) - 1


class Streams:
    """All streams of a seed; ``stream("demand")`` is always the same one."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._made: dict[str, Stream] = {}

    def stream(self, name: str) -> "Stream":
        """The stream called ``name``."""
        return self._made.setdefault(name, Stream(self.seed, name))


class Stream:
    """One mechanism's draws. Arrays of keys broadcast against each other and against the distribution's parameters."""

    def __init__(self, seed: int, name: str) -> None:
        self.name = name
        digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
        self._root = int.from_bytes(digest, "little")

    def bits(self, *keys: Key, slot: int = 0) -> npt.NDArray[np.uint64]:
        """64 random bits for each of ``keys``; ``slot`` tells several draws for the same keys apart."""
        scalars = [int(key) for key in keys if isinstance(key, int | np.integer)]
        state = np.uint64(self._root)
        for word in (slot, *scalars):
            state = np.uint64(_mixed(int(state) + (word & _WORD) * int(_GOLDEN)))
        mixed: npt.NDArray[np.uint64] = np.asarray(state)
        for key in keys:
            if not isinstance(key, int | np.integer):
                mixed = _mix(mixed + np.asarray(key).astype(np.uint64) * _GOLDEN)
        return mixed

    def uniform(self, *keys: Key, slot: int = 0) -> Floats:
        """Uniform in the open interval (0, 1)."""
        return ((self.bits(*keys, slot=slot) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, *keys: Key, slot: int = 0) -> Floats:
        """Standard normal."""
        return np.asarray(ndtri(self.uniform(*keys, slot=slot)))

    def exponential(self, *keys: Key, slot: int = 0) -> Floats:
        """Exponential with mean 1."""
        return -np.log(self.uniform(*keys, slot=slot))

    def bernoulli(self, probability: Floats | float, *keys: Key, slot: int = 0) -> npt.NDArray[np.bool_]:
        """True with ``probability``."""
        return np.asarray(self.uniform(*keys, slot=slot) < probability)

    def poisson(self, mean: Floats | float, *keys: Key, slot: int = 0) -> Integers:
        """Poisson with ``mean`` by inversion: a larger mean never gives a smaller number for the same keys."""
        mean = np.asarray(mean, dtype=np.float64)
        u = self.uniform(*keys, slot=slot)
        drawn = np.ceil(pdtrik(u, np.maximum(mean, 1e-12)))
        # pdtrik is NaN where even zero exceeds u.
        return np.where((u <= np.exp(-mean)) | ~np.isfinite(drawn), 0.0, np.maximum(drawn, 0.0)).astype(np.int64)

    def integers(self, below: Integers | int, *keys: Key, slot: int = 0) -> Integers:
        """Integers from 0 to ``below`` - 1."""
        return np.floor(self.uniform(*keys, slot=slot) * below).astype(np.int64)

    def choice(self, cumulative: Floats, *keys: Key, slot: int = 0) -> Integers:
        """Positions drawn by weight; ``cumulative`` is the running sum of the weights (its last value is the whole)."""
        u = self.uniform(*keys, slot=slot) * cumulative[-1]
        found: Integers = np.minimum(np.searchsorted(cumulative, u, side="right"), len(cumulative) - 1).astype(np.int64)
        return found


def _mix(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return np.asarray(words ^ (words >> np.uint64(31)))


def _mixed(word: int) -> int:
    word &= _WORD
    word = ((word ^ (word >> 30)) * int(_FIRST)) & _WORD
    word = ((word ^ (word >> 27)) * int(_SECOND)) & _WORD
    return word ^ (word >> 31)
