"""Names as keys, and the picks that are no player's: a team's defense, and no touchdown.

Who is meant by a name is `resolver.py`.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from firsttd_pipeline.domain.teams import UnknownTeam, canonical, teams_from_text

NO_TD: Final = "NO_TD"
DST_PREFIX: Final = "DST:"

# --- names ------------------------------------------------------------------------------------------------------------

_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv", "v"})
_LETTERS: Final = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_APOSTROPHES: Final = re.compile(r"['’‘ʼʻ`´′.]")
_BREAKS: Final = re.compile(r"[\W_]+")


def _words(name: str) -> list[str]:
    plain = name.casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", name.strip())
        plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold().translate(_LETTERS)
        # a case fold can bring combining marks back (İ): once more, so that normalising twice changes nothing
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    words = _BREAKS.sub(" ", _APOSTROPHES.sub("", plain)).split()
    joined: list[str] = []
    run = ""
    for word in words:
        if len(word) == 1 and word.isalpha() and word.isascii():
            run += word
            continue
        if run:
            joined.append(run)
            run = ""
        joined.append(word)
    return [*joined, run] if run else joined


@functools.lru_cache(maxsize=32_768)  # a season's rosters, once per game they are matched in
def normalise(name: str, *, keep_suffix: bool = False) -> str:
    """A name as a key: case, accents, punctuation and blanks do not count, nor do Jr, Sr and II-V at its end.

    Initials are one word with dots, blanks or without: `A.J. Brown`, `A J Brown` and `AJ Brown` are `aj brown`.
    Normalising twice changes nothing.
    """
    words = _words(name)
    if not keep_suffix:
        while len(words) > 2 and words[-1] in _SUFFIXES:
            words.pop()
    return " ".join(words)


# --- special picks ----------------------------------------------------------------------------------------------------

_NO_TD: Final = frozenset(
    {
        "no td",
        "notd",
        "no tds",
        "no touchdown",
        "no touchdowns",
        "no touchdown scorer",
        "no td scorer",
        "no scorer",
        "no first td",
        "no first touchdown",
        "no first td scorer",
        "no first touchdown scorer",
        "no touchdown in game",
        "no touchdown scored",
        "no touchdowns scored",
        "no td scored",
        "no tds scored",
        "no td in game",
        "no td at all",
        "no one scores",
        "no one scores a td",
        "nobody scores",
        "nobody scores a td",
    }
)
_DEFENSE: Final = re.compile(
    r"\b(?:d st|dst|d s t|def st|defense special teams|defence special teams|defense and special teams|"
    r"defense st|defensive td|defensive touchdown|special teams|defense|defence|def)\b"
)
_BARE_D: Final = re.compile(r"(.+) d")


def parse_special(text: str, teams: Iterable[str]) -> str | None:
    """`NO_TD` for a no-touchdown pick, `DST:SEA` for a team's defense or special teams, else None.

    `teams` are the codes of the game: they settle a city with two teams. A team that is not among them is given all
    the same (the caller refuses it); a defense without a team, or of a city that the game does not settle, is None.
    """
    stripped = text.strip()
    if stripped.upper() == NO_TD:
        return NO_TD
    if stripped.upper().startswith(DST_PREFIX):
        try:
            return DST_PREFIX + canonical(stripped[len(DST_PREFIX) :])
        except UnknownTeam:
            return None
    plain = " ".join(_BREAKS.sub(" ", unicodedata.normalize("NFKC", stripped).casefold()).split())
    if plain in _NO_TD:
        return NO_TD
    bare_d = _BARE_D.fullmatch(plain)
    if not _DEFENSE.search(plain) and not bare_d:
        return None
    name = bare_d[1] if bare_d else " ".join(_DEFENSE.sub(" ", plain).split())
    if not name:
        return None
    try:
        named = teams_from_text(name)
    except UnknownTeam:
        return None
    playing = set()
    for code in teams:
        try:
            playing.add(canonical(code))
        except UnknownTeam:
            continue
    here = [code for code in named if code in playing]
    if len(here) == 1:
        return DST_PREFIX + here[0]
    if not here and len(named) == 1 and not bare_d:  # "Dallas D" elsewhere may be a player's name and initial
        return DST_PREFIX + named[0]
    return None
