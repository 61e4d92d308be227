"""Team codes and names: nflverse's code of today, the codes of other sources and older seasons, what people type.

A code is exact; a typed name is matched by its words and, failing that, by closeness with a threshold and a margin.
Nothing here knows a schedule: a name that fits two teams gives both.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import polars as pl


@dataclass(frozen=True, slots=True)
class Team:
    """A team of today: nflverse's code, its city or region, its nickname."""

    code: str
    city: str
    nickname: str

    @property
    def name(self) -> str:
        """City and nickname."""
        return f"{self.city} {self.nickname}"


class UnknownTeam(ValueError):
    """No team has this code or name; `suggestions` are the nearest names, best first."""

    def __init__(self, text: str, suggestions: tuple[str, ...] = ()) -> None:
        self.text = text
        self.suggestions = suggestions
        shown = text if len(text) <= 40 else text[:40] + "…"
        hint = f": did you mean {' or '.join(suggestions)}?" if suggestions else ""
        super().__init__(f"no team is called {shown!r}{hint}")


TEAMS: Final[dict[str, Team]] = {
    team.code: team
    for team in (
        Team("ARI", "Arizona", "Cardinals"),
        Team("ATL", "Atlanta", "Falcons"),
        Team("BAL", "Baltimore", "Ravens"),
        Team("BUF", "Buffalo", "Bills"),
        Team("CAR", "Carolina", "Panthers"),
        Team("CHI", "Chicago", "Bears"),
        Team("CIN", "Cincinnati", "Bengals"),
        Team("CLE", "Cleveland", "Browns"),
        Team("DAL", "Dallas", "Cowboys"),
        Team("DEN", "Denver", "Broncos"),
        Team("DET", "Detroit", "Lions"),
        Team("GB", "Green Bay", "Packers"),
        Team("HOU", "Houston", "Texans"),
        Team("IND", "Indianapolis", "Colts"),
        Team("JAX", "Jacksonville", "Jaguars"),
        Team("KC", "Kansas City", "Chiefs"),
        Team("LA", "Los Angeles", "Rams"),
        Team("LAC", "Los Angeles", "Chargers"),
        Team("LV", "Las Vegas", "Raiders"),
        Team("MIA", "Miami", "Dolphins"),
        Team("MIN", "Minnesota", "Vikings"),
        Team("NE", "New England", "Patriots"),
        Team("NO", "New Orleans", "Saints"),
        Team("NYG", "New York", "Giants"),
        Team("NYJ", "New York", "Jets"),
        Team("PHI", "Philadelphia", "Eagles"),
        Team("PIT", "Pittsburgh", "Steelers"),
        Team("SEA", "Seattle", "Seahawks"),
        Team("SF", "San Francisco", "49ers"),
        Team("TB", "Tampa Bay", "Buccaneers"),
        Team("TEN", "Tennessee", "Titans"),
        Team("WAS", "Washington", "Commanders"),
    )
}

# Codes of older seasons (nflverse's schedule keeps them) and of other sources (grading.md, point 19).
ALIASES: Final[dict[str, str]] = {
    "OAK": "LV",
    "LVR": "LV",
    "RAI": "LV",
    "SD": "LAC",
    "SDG": "LAC",
    "STL": "LA",
    "LAR": "LA",
    "RAM": "LA",
    "SL": "LA",
    "JAC": "JAX",
    "WSH": "WAS",
    "WFT": "WAS",
    "ARZ": "ARI",
    "CRD": "ARI",
    "BLT": "BAL",
    "RAV": "BAL",
    "CLV": "CLE",
    "HST": "HOU",
    "HTX": "HOU",
    "GNB": "GB",
    "KAN": "KC",
    "NWE": "NE",
    "NOR": "NO",
    "SFO": "SF",
    "TAM": "TB",
    "CLT": "IND",
    "OTI": "TEN",
}
_OLD_HOMES: Final[dict[str, str]] = {
    "oakland": "LV",
    "oakland raiders": "LV",
    "san diego": "LAC",
    "san diego chargers": "LAC",
    "st louis": "LA",
    "saint louis": "LA",
    "st louis rams": "LA",
    "washington football team": "WAS",
    "washington redskins": "WAS",
    "redskins": "WAS",
}
_SHORT: Final[dict[str, str]] = {
    "49": "SF",
    "niners": "SF",
    "forty niners": "SF",
    "san fran": "SF",
    "frisco": "SF",
    "bucs": "TB",
    "tampa": "TB",
    "pats": "NE",
    "jags": "JAX",
    "hawks": "SEA",
    "philly": "PHI",
    "pitt": "PIT",
    "pittsburg": "PIT",
    "indy": "IND",
    "jax": "JAX",
    "vegas": "LV",
    "cards": "ARI",
    "phins": "MIA",
    "vikes": "MIN",
    "commies": "WAS",
    "cincy": "CIN",
    "nola": "NO",
    "k c": "KC",
    "g men": "NYG",
    "gmen": "NYG",
    "bolts": "LAC",
    "pack": "GB",
    "zona": "ARI",
    "jville": "JAX",
}

# A typo is taken when it is at least this close (0-100, rapidfuzz ratio) and the next team is clearly farther.
TYPO_THRESHOLD: Final = 82.0
TYPO_MARGIN: Final = 8.0


def canonical(code: str) -> str:
    """nflverse's code of today: `OAK` is `LV`, `LAR` is `LA`; case and blanks around it do not matter.

    Raises:
        UnknownTeam: no team has this code.
    """
    key = code.strip().upper()
    if key in TEAMS:
        return key
    if key in ALIASES:
        return ALIASES[key]
    raise UnknownTeam(code, _nearest(code))


def canonical_expr(column: str) -> pl.Expr:
    """`canonical` over a column of codes; a code that is not known stays as it is (the quality rules name it)."""
    return pl.col(column).replace(ALIASES)


def _key(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain.casefold().replace("'", "")).split())


@functools.cache
def _names() -> dict[str, tuple[str, ...]]:
    """Every name, in its normalised form, with the codes it can mean."""
    found: dict[str, set[str]] = {}

    def add(name: str, code: str) -> None:
        found.setdefault(_key(name), set()).add(code)

    for code, team in TEAMS.items():
        initials = "".join(word[0] for word in team.city.split())
        for name in (code, team.city, team.nickname, team.name, f"{code} {team.nickname}"):
            add(name, code)
        if " " in team.city:
            add(f"{initials} {team.nickname}", code)
            if team.city in ("Los Angeles", "New York"):
                add(initials, code)
            if team.nickname == "Chargers":
                add("los angeles chargers", code)
    for name, code in {**ALIASES, **_OLD_HOMES, **_SHORT}.items():
        add(name, code)
        if name in ALIASES:
            add(f"{name} {TEAMS[code].nickname}", code)
    add("texas", "HOU")  # the state has two teams, and is one letter from one of them
    add("texas", "DAL")
    # `LA` is a code of its own and a city of two teams: a person who types it may mean either.
    return {name: tuple(sorted(codes)) for name, codes in found.items()}


def teams_from_text(text: str) -> tuple[str, ...]:
    """The codes that a typed code, city, nickname or full name can mean, sorted.

    Typos are understood (`Detriot`, `Philidelphia`) when one name is close and no other team is; a city with two teams
    (`Los Angeles`, `LA`, `New York`) gives both.

    Raises:
        UnknownTeam: no team is close enough, or two different ones are; it carries the nearest names.
    """
    key = _key(text)
    names = _names()
    if key in names:
        return names[key]
    if len(key) < 4:
        # two or three letters are a code or nothing: every code is one letter from another
        raise UnknownTeam(text, _nearest(text))
    ranked = _ranked(key)
    if ranked and ranked[0][1] >= TYPO_THRESHOLD:
        best = names[ranked[0][0]]
        rival = next((score for name, score in ranked if not set(names[name]) & set(best)), 0.0)
        if ranked[0][1] - rival >= TYPO_MARGIN:
            return best
    raise UnknownTeam(text, _nearest(text))


def _ranked(key: str) -> list[tuple[str, float]]:
    from rapidfuzz import fuzz, process

    # short names (codes) are no target for typos: "kcc" is as near to KC as to anything
    targets = [name for name in _names() if len(name) >= 4]
    found = process.extract(key, targets, scorer=fuzz.ratio, limit=None)
    return [(str(name), float(score)) for name, score, _ in sorted(found, key=lambda hit: (-hit[1], hit[0]))]


def _nearest(text: str, limit: int = 3) -> tuple[str, ...]:
    """The nearest team names for a message, best first."""
    from rapidfuzz import fuzz, process

    key = _key(text)[:80]
    if not key:
        return ()
    best: dict[str, float] = {}
    for name, score, _ in process.extract(key, list(_names()), scorer=fuzz.WRatio, limit=12, score_cutoff=50.0):
        for code in _names()[name]:
            best[code] = max(best.get(code, 0.0), score)
    ordered = sorted(best, key=lambda code: (-best[code], code))[:limit]
    return tuple(f"{TEAMS[code].name} ({code})" for code in ordered)
