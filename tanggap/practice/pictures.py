"""Plain pictures for the invented world, drawn when they are needed: nobody's photo, no files."""

from __future__ import annotations

import io
from datetime import date
from typing import BinaryIO

from PIL import Image, ImageDraw

SIZE = (960, 720)
SKY, WATER, EARTH, STEEL, INK = "#cfe3ee", "#4f86a8", "#8a6f4d", "#5c6670", "#1d2a33"


def draw(title: str, day: date) -> BinaryIO:
    """A card with a title, as an office makes one."""
    image = Image.new("RGB", SIZE, "#f4efe4")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 160), fill="#0f5c6e")
    pen.text((60, 50), title, fill="white", font_size=56)
    pen.text((60, 240), f"{day:%d-%m-%Y}", fill=INK, font_size=48)
    pen.text((60, 620), "Pemkab Sukamaju (rekaan)", fill=INK, font_size=32)
    return _file(image)


def bridge(*, whole: bool) -> BinaryIO:
    """The bridge of Cikaret, broken in the middle or made passable again."""
    image = Image.new("RGB", SIZE, SKY)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 500, SIZE[0], SIZE[1]), fill=WATER)
    pen.polygon([(0, 380), (260, 420), (260, 720), (0, 720)], fill=EARTH)
    pen.polygon([(960, 380), (700, 420), (700, 720), (960, 720)], fill=EARTH)
    if whole:
        pen.rectangle((200, 390, 760, 425), fill=STEEL)
        for at in range(220, 760, 60):
            pen.line((at, 390, at + 30, 330, at + 60, 390), fill=STEEL, width=8)
    else:
        pen.polygon(
            [(200, 390), (400, 400), (440, 560), (410, 570), (380, 425), (200, 425)], fill=STEEL
        )
        pen.polygon(
            [(760, 390), (560, 400), (540, 540), (570, 550), (590, 425), (760, 425)], fill=STEEL
        )
        for at in (210, 740):
            pen.rectangle((at, 330, at + 12, 390), fill="#d33")
    return _file(image)


def _file(image: Image.Image) -> BinaryIO:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    out.seek(0)
    out.name = "foto.jpg"
    return out
