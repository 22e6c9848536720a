"""The one impure room of the library: files and bundled samples in, checked frames out.

Errors:
    ValueError
      DataError        a file that cannot be read as what it should be
      TableError       rows that break the schema of their clock (`quantlib.schema`)
    UserWarning
      DroppedRows      rows of a file that were left out of what `read` gave
"""

from quantlib.data.files import DroppedRows, format_of, load, read, scan
from quantlib.data.format import DataError, Format, Rows
from quantlib.data.formats import FORMATS
from quantlib.data.samples import indices, nasdaq, sp500
from quantlib.data.universe import within

__all__ = [
    "FORMATS", "DataError", "DroppedRows", "Format", "Rows", "format_of", "indices", "load", "nasdaq", "read", "scan",
    "sp500", "within",
]  # fmt: skip
