"""How much disorder there is in the way a price moves."""

from math import factorial, isnan, log, nan
from typing import NamedTuple

import numpy as np

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.jit import block, kernel
from quantlib.kernels.counts import count, entropy
from quantlib.kernels.ring import window

ORDERS = 6  # prices in a pattern, at most: 720 patterns
PRICES = 8  # remembered, no fewer than are in a pattern
WORDS = 6  # moves in a word, at most: 729 words


class PermutationEntropy(NamedTuple):
    n: int  # patterns in the window
    order: int  # prices in a pattern
    most: float  # nats: log of the number of patterns


class SignEntropy(NamedTuple):
    n: int  # words in the window
    length: int  # moves in a word
    size: int  # number of words
    most: float  # nats: log of it


@kernel
def _permutation_entropy(p, memory, symbol, price, disorder):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        past, codes, counts, rows, total = m.past, m.codes, m.counts, m.rows, m.total
        while i < price.size and symbol[i] == code:
            disorder[i] = nan
            if not isnan(price[i]):
                past[rows & (PRICES - 1)] = price[i]
                rows += 1
                seen = rows - p.order  # patterns before this one
                if seen >= 0:
                    total = count(codes, counts, total, seen, p.n, _pattern(past, rows, p.order))
                    if seen + 1 >= p.n:
                        disorder[i] = entropy(total, p.n) / p.most
            i += 1
        m.rows, m.total = rows, total


@block
def _pattern(past, rows, order):
    """The number of the order in which the last prices stand, equal ones by age: 0 to order! - 1 (Lehmer's code)."""
    number = 0
    for j in range(rows - order, rows):
        number *= rows - j
        for k in range(j + 1, rows):
            number += 1 if past[j & (PRICES - 1)] > past[k & (PRICES - 1)] else 0
    return number


@kernel
def _sign_entropy(p, memory, symbol, price, disorder):
    i = 0
    while i < price.size:
        code = symbol[i]
        m = memory[code]
        codes, counts, last, rows, word, total = m.codes, m.counts, m.price, m.rows, m.word, m.total
        while i < price.size and symbol[i] == code:
            disorder[i] = nan
            if not isnan(price[i]):
                if not isnan(last):
                    sign = (2 if price[i] > last else 0) if price[i] != last else 1
                    word = (3 * word + sign) % p.size
                    rows += 1
                    seen = rows - p.length  # words before this one
                    if seen >= 0:
                        total = count(codes, counts, total, seen, p.n, word)
                        if seen + 1 >= p.n:
                            disorder[i] = entropy(total, p.n) / p.most
                last = price[i]
            i += 1
        m.price, m.rows, m.word, m.total = last, rows, word, total


def permutation_entropy(
    order: int = 3, n: int = 100, *, price: str = "close", out: str = "permutation_entropy"
) -> Feature:
    """Rolling permutation entropy: how evenly the orders occur in which neighbouring prices stand.

    H = -sum f log f / log(order!), f the share of each order among the last n runs of `order` prices.

    Args:
        order: prices in a run, 2 to 6.
        n: runs in the window, at least 1; many more than order!, or H cannot come near 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, 0 (always the same order) to 1 (all orders alike); NaN until the
            (n + order - 1)-th price of a symbol.

    Raises:
        ValueError: if order or n is out of range or not whole.

    Source: C. Bandt, B. Pompe, Permutation entropy: a natural complexity measure for time series, Phys. Rev. Lett. 88,
        2002. Equal prices count as rising, where they ask for few of them or for a little noise.
    """
    order = row_count("permutation_entropy", "order", order, least=2)
    n = row_count("permutation_entropy", "n", n)
    if order > ORDERS:
        raise ValueError(f"permutation_entropy: order must be at most {ORDERS}, got {order}")
    fields = [("past", "f8", PRICES), ("rows", "i8"), *_counted(n, factorial(ORDERS))]
    params = PermutationEntropy(n, order, log(factorial(order)))
    rows = n + order - 2
    blank = np.zeros((), fields)
    return Feature(_permutation_entropy, params, blank, (price,), (out,), warmup=rows, horizon=rows)


def sign_entropy(length: int = 2, n: int = 100, *, price: str = "close", out: str = "sign_entropy") -> Feature:
    """Rolling entropy of the words that the price's moves spell: down, unchanged or up.

    H = -sum f log f / log(3^length), f the share of each word among the last n runs of `length` moves.

    Args:
        length: moves in a word, 1 to 6.
        n: words in the window, at least 1; many more than 3^length, or H cannot come near 1.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, 0 (always the same word) to 1 (all words alike); log(2) / log(3) = 0.63
            for a price that goes up and down at random and never stands still. NaN until the (n + length)-th price of
            a symbol.

    Raises:
        ValueError: if length or n is out of range or not whole.

    Source: M. Lopez de Prado, Advances in Financial Machine Learning, 2018, sec. 18.2 (plug-in estimator) and 18.5.1
        (encoding by signs).
    Differs: he leaves unchanged prices out and divides by the length of a word; here they are a letter of their own,
        and H is a share of what is possible.
    """
    length = row_count("sign_entropy", "length", length)
    n = row_count("sign_entropy", "n", n)
    if length > WORDS:
        raise ValueError(f"sign_entropy: length must be at most {WORDS}, got {length}")
    fields = [("price", "f8"), ("word", "i8"), ("rows", "i8"), *_counted(n, 3**WORDS)]
    blank = np.zeros((), fields)
    blank["price"] = nan
    params = SignEntropy(n, length, 3**length, length * log(3.0))
    rows = n + length - 1
    return Feature(_sign_entropy, params, blank, (price,), (out,), warmup=rows, horizon=rows)


def _counted(n: int, alphabet: int) -> list[tuple[str, str] | tuple[str, str, int]]:
    """Fields of a record: the last n symbols, how often each occurs, and the sum that their entropy needs."""
    size = window(n, "codes")[0][2]
    return [("total", "i8"), ("codes", "i2", size), ("counts", "i4", alphabet)]
