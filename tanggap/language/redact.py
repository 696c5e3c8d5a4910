"""Finds personal data that people write in public: NIK, KK number, NPWP, phone, e-mail. UU 27/2022.

Offsets are into the text as it was written; nothing is changed. A NIK is 16 digits: a region of
six, a birth date of six (a woman's day is 40 more), a serial of four. It has no check digit, so
region and date are all there is to check; a number that its writer calls a NIK is believed even
with a slip in it. Not found: digits spelled out in words, and addresses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from tanggap.language.words import data

# What people put between digits, the no-break space and the dashes of phone keyboards included.
_GAP = "[ .\\-\u00a0\u2009\u202f\u2010-\u2013]{0,3}"
# Most messages end here: fewer than seven digits that stand near each other, and no address.
_PERHAPS = re.compile(r"@|\d(?:[^\w\n]{0,3}[oOlI]{0,4}\d){6}")
# An "o" typed for a zero, an "l" for a one.
_LETTER_O = re.compile(r"(?i)(?<=[0-9])o{1,4}(?=[0-9])|\bo(?=8[1-35-9l][0-9])")
_LETTER_L = re.compile("(?<=[0-9])[lI](?=[0-9])")
_SOLID = re.compile("(?<![0-9])[0-9]{15,17}(?![0-9])")
_SPACED = re.compile(rf"(?<![0-9])[0-9](?:{_GAP}[0-9]){{14,16}}(?![0-9])")
_MOBILE = re.compile(
    rf"(?<![0-9])(?<![0-9][.,])(?:\+?62|\(\+?62\)|\(?0){_GAP}[(]?(?:0[)]?{_GAP})?8[1-35-9]{_GAP}"
    rf"[0-9](?:[)]?{_GAP}[0-9]){{6,9}}(?![0-9])"
)
_MOBILE_APART = re.compile(r"(?<![0-9])08 [1-35-9][0-9]{3} [0-9]{3,4} [0-9]{3,4}(?![0-9])")
_NPWP = re.compile(
    r"(?<![0-9])[0-9]{2}\.[0-9]{3}\.[0-9]{3}\.[0-9][-. ][0-9]{3}\.[0-9]{3}(?![0-9])"
    r"|(?i:(?<=npwp )|(?<=npwp: )|(?<=npwp:))[0-9]{15,16}(?![0-9])"
)
# The path of an address on the web, where the link is not one to a person's chat.
_IN_LINK = re.compile(r"(?i)[a-z](?<!wa\.me)/$")
# "08.15-12.00 13.00" and "08-12-2026 10.30" have the digits of a phone number.
_NO_PHONE = re.compile(
    r"0[0-9][.:][0-5][0-9] ?[\u2013-]|0[0-9][-./ ][01][0-9][-./ ](?:19|20)[0-9]{2}\b"
)
_LANDLINE = re.compile(
    rf"(?<![0-9])(?:\((?:0|\+?62)[2-79][0-9]{{1,2}}\) ?|(?:0|\+62 ?)[2-79][0-9]{{1,2}}[ \-])"
    rf"[2-9](?:{_GAP}[0-9]){{4,7}}(?![0-9])"
)
_BARE_MOBILE = re.compile(
    rf"(?i)\b(?:wa|hp|telp|tlp|telepon|whatsapp|nomor|nomer|no|hub|hubungi|kontak)"
    rf"[\s.:]{{1,3}}(8[0-9]{{2}}(?:{_GAP}[0-9]){{6,9}})(?![0-9])"
)
_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9-]{2,})+"
)
_SAYS_NIK = re.compile(
    r"(?i)\b(?:nik|ktp|nik-?(?:ku|nya|e)|no(?:mor|\.)? ?induk|induk kependudukan)\b[^0-9\n]{0,24}$"
)
_SAYS_KK = re.compile(r"(?i)\b(?:(?:no)?kk|kartu keluarga)\b[^0-9\n]{0,24}$")
_SAYS_OTHER = re.compile(
    r"(?i)\b(?:laporan|lapor|aduan|pengaduan|tiket|ticket|resi|rekening|rek|norek|pelanggan|idpel|"
    r"va|virtual account|regist(?:rasi|er)|pendaftaran|antre?an|antrian|pesanan|order|invoice|"
    r"faktur|kuitansi|kwitansi|struk|nota|transaksi|referensi|booking|bayar|billing|perkara|kasus|"
    r"nop|objek pajak|sertifikat|meter|token|polis|kontrak|surat|seri|nuptk|nip|nib|imei|"
    r"kartu (?:debit|kredit|atm))\b[^0-9\n]{0,24}$"
)
MASK = "█"


@dataclass(frozen=True, slots=True)
class Found:
    """Personal data at `text[start:end]`. `kind` is nik, kk, npwp, phone or email; `reason` a code:
    `form` (region and date hold), `named` (its writer says what it is), `number`, `address`."""

    start: int
    end: int
    kind: str
    reason: str


def redact(text: str, allowed: Collection[str] = ()) -> list[Found]:
    """Personal data in a text, in order, without overlaps.

    `allowed` are numbers and addresses that are public, such as an agency's landline or its
    mailbox, in any spelling.
    """
    if not _PERHAPS.search(text):
        return []
    flat = text if text.isascii() else "".join(_digit(sign) for sign in text)
    flat = _LETTER_L.sub("1", flat)
    flat = _LETTER_O.sub(lambda found: "0" * len(found.group()), flat)
    public = {_bare(entry) for entry in allowed}
    taken: list[tuple[int, int]] = []
    found: list[Found] = []

    for match in _NPWP.finditer(flat):
        found.append(Found(match.start(), match.end(), "npwp", "number"))
        taken.append(match.span())

    for run in (*_SOLID.finditer(flat), *_SPACED.finditer(flat)):
        if _overlaps(*run.span(), taken):
            continue
        verdict = _identity(flat, run.start(), _digits(run.group()))
        if verdict:
            found.append(Found(run.start(), run.end(), *verdict))
        if verdict or len(_digits(run.group())) == 16:
            taken.append(run.span())

    for pattern, group in ((_MOBILE, 0), (_MOBILE_APART, 0), (_LANDLINE, 0), (_BARE_MOBILE, 1)):
        for match in pattern.finditer(flat):
            start, end = match.span(group)
            # "(0877-1234-5678)": the bracket belongs to the sentence.
            start += flat[start] == "(" and ")" not in flat[start:end]
            if _bare(match.group(group)) in public or _overlaps(start, end, taken):
                continue
            if _NO_PHONE.match(match.group(group)) or _IN_LINK.search(
                flat[max(0, start - 8) : start]
            ):
                continue
            found.append(Found(start, end, "phone", "number"))
            taken.append((start, end))

    for match in _EMAIL.finditer(flat):
        if match.group().lower() not in public and not _overlaps(*match.span(), taken):
            found.append(Found(*match.span(), "email", "address"))
    return sorted(found, key=lambda one: one.start)


def mask(text: str, spans: Iterable[Found]) -> str:
    """The text with each span blacked out, sign for sign, so that offsets stay true."""
    signs = list(text)
    for span in spans:
        signs[span.start : span.end] = MASK * (span.end - span.start)
    return "".join(signs)


def _identity(text: str, start: int, digits: str) -> tuple[str, str] | None:
    """(kind, reason) when 15 to 17 digits are a NIK or a KK number, else None."""
    before = text[max(0, start - 40) : start]
    kind = "kk" if _SAYS_KK.search(before) else "nik" if _SAYS_NIK.search(before) else ""
    if kind and not _SAYS_OTHER.search(before):
        return kind, "form" if len(digits) == 16 and _has_form(digits) else "named"
    if len(digits) != 16 or not _has_form(digits) or _SAYS_OTHER.search(before):
        return None
    return "nik", "form"


def _has_form(digits: str) -> bool:
    regency, district, serial = int(digits[2:4]), int(digits[4:6]), int(digits[12:])
    if digits[:2] not in data("regions")["provinces"] or not (regency and district and serial):
        return False
    day, month, year = int(digits[6:8]), int(digits[8:10]), int(digits[10:12])
    day -= 40 * (day > 40)
    try:
        # 2000 stands for both centuries: it alone of 1900 and 2000 has a 29 February.
        date(2000 + year if year else 2000, month, day)
    except ValueError:
        return False
    return True


def _digit(sign: str) -> str:
    """Any digit of any script as an ASCII one; other signs as they are. One sign for one."""
    return str(unicodedata.digit(sign)) if sign.isdigit() else sign


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def _bare(entry: str) -> str:
    """One spelling for a number (`+62 812…`, `0812…` and `812…` are one) or an address."""
    if "@" in entry:
        return entry.lower()
    digits = _digits(entry)
    return digits.removeprefix("62") if digits.startswith("62") else digits.lstrip("0")


def _overlaps(start: int, end: int, taken: Iterable[tuple[int, int]]) -> bool:
    return any(start < last and first < end for first, last in taken)
