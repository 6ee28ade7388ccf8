"""Text of a file, decoded: UTF-8 or UTF-16, with a byte order mark or without."""

from __future__ import annotations

import codecs
import io

from optbench.errors import UserError


def lines_of(content: bytes) -> io.TextIOWrapper:
    """Return the lines of a text, each with its own ending.

    Raises
    ------
    UserError
        When it is neither UTF-8 nor, with a byte order mark, UTF-16; the line is named.
    """
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if utf16 else "utf-8-sig"
    try:
        # Reading decodes piece by piece, which would leave errors without their place.
        if utf16 or not content.isascii():
            content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        name = "UTF-16" if utf16 else "UTF-8"
        raise UserError(f"line {line} is not {name} text; save the file as UTF-8") from None
    return io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")
