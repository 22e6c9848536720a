"""The one impure room of the library: files and bundled samples in, checked frames out.

Errors:
    ValueError
      DataError        a file that cannot be read as what it should be
      TableError       rows that break the schema of their clock (`quantlib.schema`)
"""

from quantlib.data.files import DataError, read
from quantlib.data.samples import indices, nasdaq, sp500

__all__ = ["DataError", "indices", "nasdaq", "read", "sp500"]
