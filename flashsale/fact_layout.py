"""Where the fields of a fact lie in its BSON document: all documents of a fact table are equally long.

Every field of a fact has a fixed width, so many facts are read and written as an array of bytes whose
rows are documents, without a Python object for each.  Layout of a document: https://bsonspec.org/spec.html.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from flashsale.schema import FieldType, Table

ByteRows = npt.NDArray[np.uint8]

_ELEMENTS: dict[FieldType, tuple[bytes, str]] = {
    "double": (b"\x01", "<f8"),
    "date": (b"\x09", "<i8"),
    "int32": (b"\x10", "<i4"),
    "int64": (b"\x12", "<i8"),
}
"""Field type -> its element type in BSON, and its value as numpy spells it."""
_END = b"\0"

LENGTH_BYTES = 4
"""A document begins with its length, a little-endian int32."""


@dataclass(frozen=True)
class FactLayout:
    """`template` (L,) is a document with zeros for values; `values` the structure whose fields lie where it has them.

    `fixed` (L,) is true for the bytes that are the same in every document: length, types, names.
    """

    template: ByteRows
    values: np.dtype[Any]
    fixed: npt.NDArray[np.bool_]

    @property
    def length(self) -> int:
        """Bytes of a document."""
        return len(self.template)


@cache
def fact_layout(table: Table) -> FactLayout:
    """Layout of the fact table `table`, its fields in the schema's order; KeyError for one with a text or a list."""
    text, offsets, formats = b"", [], []
    for field in table.fields:
        element, spelled = _ELEMENTS[field.type]
        text += element + table.stored_name(field).encode() + _END
        offsets.append(LENGTH_BYTES + len(text))
        formats.append(spelled)
        text += bytes(np.dtype(spelled).itemsize)
    text += _END
    length = LENGTH_BYTES + len(text)
    names = [field.name for field in table.fields]
    values = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": length})
    fixed = np.ones(length, np.bool_)
    for offset, spelled in zip(offsets, formats, strict=True):
        fixed[offset : offset + np.dtype(spelled).itemsize] = False
    template = np.frombuffer(length.to_bytes(LENGTH_BYTES, "little") + text, np.uint8)
    return FactLayout(template, values, fixed)
