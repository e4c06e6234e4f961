"""Decoding of Korean bytes in an unknown encoding, and repair of wrongly decoded Korean."""

from __future__ import annotations

import codecs
import re

#: The 180 most frequent syllables of data/sample, 78 % of all its syllables.
_FREQUENT = frozenset(
    "가간감같개거걸게겠고공구그금긋기까나난날남내너네년노놀누눈느는늘니님다단달당대더던데도돌동"
    "두드들때라람랑래러려로르를리립마만말머먹면모못무문물미바반받발방배버번보복봐부분불비쁨사살"
    "상새생서선성세소속손수스슬습시식신실심십아안았야어없었에여열오온와왔요우운울웃워원으은을음"
    "의이인일있자장저전정제져조좋주줄중증지진질집짜차처천청치친터통트편포픔하한할해했행혼화황회"
)
#: Most letters of a text that may be a name, of rare syllables alone.
_LONGEST_NAME = 7
_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(data: bytes) -> str | None:
    """Decode UTF-8, UTF-16 with a byte-order mark, or cp949 that looks Korean; else None."""
    if data.startswith(_BOMS):
        return _decode(data, "utf-16")
    text = _decode(data, "utf-8-sig")
    return _decode_cp949(data) if text is None else text


def as_korean(text: str) -> str:
    """Repair Korean whose UTF-8 or cp949 bytes were decoded as Latin-1 or cp1252.

    Other text stays as it is. ID3v1 cuts at 30 bytes, so that an incomplete last character of a
    text of this length is dropped.
    """
    try:
        data = b"".join(c.encode("latin-1" if ord(c) < 256 else "cp1252") for c in text)
    except UnicodeEncodeError:
        return text
    is_whole = len(data) != 30
    utf8, korean = _decode(data, "utf-8", is_whole), _decode_cp949(data, is_whole, _LONGEST_NAME)
    if not utf8 or utf8.isascii():
        return korean or text
    # A few cp949 syllables are valid UTF-8: 키 is Ű. A Western word has plain letters too.
    return utf8 if re.search("[A-Za-z가-힣]", utf8) else korean or utf8


def _decode(data: bytes, encoding: str, is_whole: bool = True) -> str | None:
    """Decode strictly, apart from an incomplete last character if the data is not whole."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data, is_whole)
    except UnicodeDecodeError:
        return None


def _decode_cp949(data: bytes, is_whole: bool = True, longest_name: int = 0) -> str | None:
    """Decode cp949; None where the result does not look Korean as a whole.

    Two thirds of the letters must be syllables of KS X 1001, and a quarter frequent ones, except
    in names. ASCII letters count in words with others, for `AÇÃO` is `A플O` in cp949, unless the
    data has bytes that are signs in Latin-1, as words in Latin letters have none.
    """
    text = _decode(data, "cp949", is_whole)
    if text is None:
        return None
    letters = "".join(word for word in re.findall(r"[^\W\d_Ⅰ-ⅿ]+", text) if not word.isascii())
    if re.search(rb"[\x80-\xbf]", data):
        letters = re.sub("[A-Za-zㅋㅎㅜㅠ]", "", letters)
    syllables = sum(_is_ks_syllable(letter) for letter in letters)
    frequent = sum(letter in _FREQUENT for letter in letters)
    is_korean = 3 * syllables >= 2 * len(letters) > 0
    may_be_rare = len(letters) <= longest_name
    return text if is_korean and (may_be_rare or 4 * frequent >= len(letters)) else None


def _is_ks_syllable(letter: str) -> bool:
    return "가" <= letter <= "힣" and len(letter.encode("euc_kr")) == 2  # 8 bytes for the others
