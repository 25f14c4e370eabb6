"""Pictures: the text that `ocr` recognises in them, where it is installed."""

from __future__ import annotations

import io
import time
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.extract.builder import Part, document_of
from searchapp.extract.pdf import ocr, text_flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document

_MIN_SIDE = 64  # px: icons are smaller
_MAX_SIDE = 2000  # px: larger pictures are scaled down to it
_MAX_PIXELS = 64 * 10**6
_OCR_S = 45.0  # pages are recognised until then
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "AVIF", "HEIF")
_DESCRIPTION, _DATE, _AUTHOR = 0x010E, 0x0132, 0x013B  # EXIF


def read(data: bytes, document_type: str) -> Document:
    """The text in a picture, page by page where it has several; metadata says where time did not
    allow for all of them.

    Raises FileSkipped without the OCR and for icons, FileFailed for pictures that are broken, too
    large or without text.
    """
    if not ocr.is_available():
        raise FileSkipped("image: searchapp[ocr] reads its text")
    if document_type == "heic":
        _open_heif()
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # of odd metadata, and of sizes, which are looked at here
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_size(image)
                metadata = _metadata(image.getexif())
                texts, incomplete = _texts(image)
    except (FileError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except UnidentifiedImageError as error:
        raise FileFailed("not a readable image: unknown or broken format") from error
    except Exception as error:  # a broken picture makes Pillow raise anything
        raise FileFailed(f"not a readable image: {error}") from error
    if not any(text for _, text in texts):
        raise FileFailed("no text found in the image")
    return document_of(_parts(texts), document_type, metadata=metadata | {"incomplete": incomplete})


def _open_heif() -> None:
    """Make Pillow open HEIC; raises FileSkipped where what reads it is not installed."""
    if find_spec("pi_heif") is None:
        raise FileSkipped("image (HEIC): searchapp[heic] reads it, or save it as JPEG")
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False)


def _texts(image: Any) -> tuple[list[tuple[int, str]], str]:
    """Each frame's number and text, number 0 for a picture of only one, and what is left unread;
    small frames beside a large one are thumbnails.
    """
    from PIL import ImageSequence

    started_s = time.monotonic()
    count = getattr(image, "n_frames", 1)
    texts: list[tuple[int, str]] = []
    for number, frame in enumerate(ImageSequence.Iterator(image), 1):
        if number > 1 and image.format == "GIF":  # it moves
            return texts, f"1 of {count} pictures was recognised"
        if time.monotonic() > started_s + _OCR_S:
            return texts, f"{number - 1} of {count} pages were recognised in time"
        _check_size(frame)
        if min(frame.size) >= _MIN_SIDE:
            texts.append((number if count > 1 else 0, ocr.text_of(_upright(frame))))
    if not texts:
        raise FileSkipped("small image")
    return texts, ""


def _upright(frame: Any) -> Any:
    """The frame on white, turned as its EXIF says, and no larger than what OCR makes use of."""
    from PIL import Image, ImageOps

    if frame.format == "JPEG":
        # decoded at half the size or less, where that is enough
        frame.draft(None, (_MAX_SIDE, _MAX_SIDE))
    factor = max(frame.size) // _MAX_SIDE
    if factor > 1:  # before anything copies it
        plain = {"1": "L", "P": "RGBA" if frame.has_transparency_data else "RGB"}.get(frame.mode)
        frame = (frame.convert(plain) if plain else frame).reduce(factor)
    turned = ImageOps.exif_transpose(frame)
    turned.thumbnail((_MAX_SIDE, _MAX_SIDE))
    if not turned.has_transparency_data:
        return turned
    drawn = turned.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn)


def _parts(texts: list[tuple[int, str]]) -> Iterator[Part]:
    for number, text in texts:
        lines = text_flow.lines_of(text)
        place = (("page", number),) if number else ()
        yield from (
            Part("prose", paragraph, place=place)
            for paragraph in text_flow.paragraphs(lines, text_flow.full_width(lines))
        )


def _metadata(exif: Any) -> dict[str, str]:
    """What a camera or a scanner says of the picture; its date as far as it is one."""
    date = str(exif.get(_DATE, "")).strip("\0 ")
    day = date[:10].replace(":", "-")
    is_date = len(date) == 19 and day.replace("-", "").isdigit() and not day.startswith("0000")
    metadata = {
        "author": exif.get(_AUTHOR, ""),
        "description": exif.get(_DESCRIPTION, ""),
        "date": f"{day}T{date[11:]}" if is_date else "",
    }
    return {
        name: str(value).strip("\0 ") for name, value in metadata.items() if str(value).strip("\0 ")
    }


def _check_size(image: Any) -> None:
    """Raises FileFailed for an image that would take too much memory to decode; the size is what
    the file says.
    """
    if image.width * image.height > _MAX_PIXELS:
        raise _too_large()


def _too_large() -> FileFailed:
    return FileFailed(f"an image of more than {_MAX_PIXELS // 10**6} million pixels")
