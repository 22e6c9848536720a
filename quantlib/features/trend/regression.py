"""The straight line through the last n prices by least squares: where it ends, begins and goes, and how steep it is.

With prices numbered j = 1 (oldest) to n, S their sum and W the sum of j p[j], every one of them is a W + b S over a
whole number, so each is one exact sum, rounded once (`quantlib.features.trend.weighted`).  Their source is the normal
equations: slope = (n W - S n (n+1) / 2) / (n sum j^2 - (sum j)^2), and the line goes through the means.

A row costs the same for windows of up to about 2,000 rows; from about 3,000 on each row sums its window anew.
"""

from quantlib.core import Feature
from quantlib.features.rows import row_count
from quantlib.features.trend.weighted import angle, line


def linearreg(n: int = 20, *, price: str = "close", out: str = "linearreg") -> Feature:
    """Value of the regression line at the newest price.

    3 wma(n) - 2 sma(n) = (3 W - (n+1) S) / (n (n+1) / 2)

    Args:
        n: rows in the window, at least 2.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: TA-Lib, function LINEARREG.
    """
    n = row_count("linearreg", "n", n, 2)
    return line(n, 3, -(n + 1), n * (n + 1) // 2, price, out)


def linearreg_slope(n: int = 20, *, price: str = "close", out: str = "linearreg_slope") -> Feature:
    """Slope of the regression line.

    (2 W - (n+1) S) / (n (n^2 - 1) / 6)

    Args:
        n: rows in the window, at least 2.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price per row; exactly 0 where prices stand still; NaN
            until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: TA-Lib, function LINEARREG_SLOPE.
    """
    n = row_count("linearreg_slope", "n", n, 2)
    return line(n, 2, -(n + 1), n * (n * n - 1) // 6, price, out)


def linearreg_angle(n: int = 20, *, price: str = "close", out: str = "linearreg_angle") -> Feature:
    """Angle of the regression line, as on a chart where a row is as wide as a unit of price is high.

    atan(slope) 180 / π

    Args:
        n: rows in the window, at least 2.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, degrees, -90 to 90; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: TA-Lib, function LINEARREG_ANGLE.
    """
    n = row_count("linearreg_angle", "n", n, 2)
    return angle(n, 2, -(n + 1), n * (n * n - 1) // 6, price, out)


def linearreg_intercept(n: int = 20, *, price: str = "close", out: str = "linearreg_intercept") -> Feature:
    """Value of the regression line at the oldest price of the window.

    (2 (n+1) S - 3 W) / (n (n+1) / 2)

    Args:
        n: rows in the window, at least 2.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: TA-Lib, function LINEARREG_INTERCEPT.
    """
    n = row_count("linearreg_intercept", "n", n, 2)
    return line(n, -3, 2 * (n + 1), n * (n + 1) // 2, price, out)


def tsf(n: int = 20, *, price: str = "close", out: str = "tsf") -> Feature:
    """Time series forecast: the regression line one row beyond the newest price.

    linearreg + slope = (3 W - (n+2) S) / (n (n-1) / 2)

    Args:
        n: rows in the window, at least 2.
        price: column read. (rows,) float64, any unit, or NaN.
        out: column written. (rows,) float64, in the unit of price; NaN until the n-th price of a symbol.

    Raises:
        ValueError: if n is not a whole number of at least 2.

    Source: TA-Lib, function TSF.
    """
    n = row_count("tsf", "n", n, 2)
    return line(n, 3, -(n + 2), n * (n - 1) // 2, price, out)
