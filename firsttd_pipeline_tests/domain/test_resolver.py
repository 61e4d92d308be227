"""Who is meant, by made rosters: every method, every tie, every question, and what holds for any text."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firsttd_pipeline.domain.nicknames import fan_names, other_forms
from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.resolver import MAX_CANDIDATES, METHODS, Alias, Resolution, Resolver

TEAMS = ("PHI", "DET")
SCHEMA = {
    "player_id": pl.String,
    "player_name": pl.String,
    "first_name": pl.String,
    "last_name": pl.String,
    "football_name": pl.String,
    "team": pl.String,
    "position": pl.String,
    "jersey_number": pl.Int64,
    "active": pl.Boolean,
}


def row(
    player_id: str,
    name: str,
    team: str = "PHI",
    position: str | None = "WR",
    *,
    first: str | None = None,
    last: str | None = None,
    football: str | None = None,
    jersey: int | None = None,
    active: bool | None = True,
) -> dict[str, Any]:
    given_name, _, rest = name.partition(" ")
    for suffix in (" Jr.", " II", " III"):
        rest = rest.removesuffix(suffix)
    return {
        "player_id": player_id,
        "player_name": name,
        "first_name": first or given_name,
        "last_name": last or rest,
        "football_name": football or given_name,
        "team": team,
        "position": position,
        "jersey_number": jersey,
        "active": active,
    }


def resolver(*rows: dict[str, Any]) -> Resolver:
    return Resolver(pl.DataFrame(list(rows), schema=SCHEMA))


def who(found: Resolution) -> str | None:
    return found.answer.candidate.player_id if found.answer else None


GAME = (
    row("00-0035676", "A.J. Brown", first="Arthur", jersey=11),
    row("smith", "DeVonta Smith", jersey=6),
    row("barkley", "Saquon Barkley", position="RB", jersey=26),
    row("goedert", "Dallas Goedert", position="TE"),
    row("hurts", "Jalen Hurts", position="QB"),
    row("calcaterra", "Grant Calcaterra", position="TE"),
    row("steen", "Tyler Steen", position="OL"),
    row("arsb", "Amon-Ra St. Brown", "DET", jersey=14),
    row("jamo", "Jameson Williams", "DET", jersey=1),
    row("gibbs", "Jahmyr Gibbs", "DET", "RB"),
    row("laporta", "Sam LaPorta", "DET", "TE", first="Samuel"),
    row("goff", "Jared Goff", "DET", "QB"),
    row("raymond", "Kalif Raymond", "DET"),
    row("hutchinson", "Aidan Hutchinson", "DET", "DL"),
)
OTHERS = (
    row("cmc", "Christian McCaffrey", "SF", "RB", jersey=23),
    row("jsn", "Jaxon Smith-Njigba", "SEA"),
    row("kw3", "Kenneth Walker III", "SEA", "RB", jersey=9),
    row("penix", "Michael Penix Jr.", "ATL", "QB"),
    row("mhj", "Marvin Harrison Jr.", "ARI"),
    row("hock", "T.J. Hockenson", "MIN", "TE", first="Thomas", football="T.J."),
    row("palmer", "Josh Palmer", "BUF", first="Joshua"),
    row("kelce", "Travis Kelce", "KC", "TE"),
    row("puka", "Puka Nacua", "LA", first="Makea"),
    row("hollywood", "Marquise Brown", "KC"),
    row("chase", "Ja'Marr Chase", "CIN"),
    row("croskey", "Jacory Croskey-Merritt", "WAS", "RB"),
)
LEAGUE = resolver(*GAME, *OTHERS)


@pytest.mark.parametrize(
    ("text", "teams", "player", "method"),
    [
        ("00-0035676", TEAMS, "00-0035676", "gsis_id"),
        ("A.J. Brown", TEAMS, "00-0035676", "exact"),
        ("a.j. brown", TEAMS, "00-0035676", "exact"),
        ("AJ Brown", TEAMS, "00-0035676", "normalised"),
        ("jAHMYR  gIBBS", TEAMS, "gibbs", "exact"),
        ("Amon-Ra Saint Brown", TEAMS, "arsb", "normalised"),
        ("Michael Penix", ("ATL", "PHI"), "penix", "suffix"),
        ("Saquon Barkley Jr.", TEAMS, "barkley", "suffix"),
        ("Arthur Brown", TEAMS, "00-0035676", "legal name"),
        ("Joshua Palmer", ("BUF", "PHI"), "palmer", "legal name"),
        ("Sammy LaPorta", TEAMS, "laporta", "nickname and last name"),
        ("Gibbs, Jahmyr", TEAMS, "gibbs", "reversed"),
        ("Harrison Jr., Marvin", ("ARI", "PHI"), "mhj", "reversed"),
        ("Gibbs Jahmyr", TEAMS, "gibbs", "reversed"),
        ("J. Gibbs", TEAMS, "gibbs", "initials and last name"),
        ("J.Gibbs", TEAMS, "gibbs", "initials and last name"),
        ("A.St. Brown", TEAMS, "arsb", "initials and last name"),
        ("Jam.Williams", TEAMS, "jamo", "abbreviated first name"),
        ("Barkley", TEAMS, "barkley", "last name"),
        ("St. Brown", TEAMS, "arsb", "last name"),
        ("Penix Jr", ("ATL", "PHI"), "penix", "last name"),
        ("Penix, Jr.", ("ATL", "PHI"), "penix", "last name"),
        ("Njigba", ("SEA", "SF"), "jsn", "part of last name"),
        ("Saquon", TEAMS, "barkley", "first name"),
        ("Puka", ("LA", "PHI"), "puka", "first name"),
        ("Sammy", TEAMS, "laporta", "nickname"),
        ("Amon", TEAMS, "arsb", "nickname"),
        ("Makea", ("LA", "PHI"), "puka", "legal first name"),
        ("CMC", ("SF", "PHI"), "cmc", "initials"),
        ("ARSB", TEAMS, "arsb", "initials"),
        ("JSN", ("SEA", "SF"), "jsn", "initials"),
        ("JCM", ("WAS", "SF"), "croskey", "initials"),
        ("MHJ", ("ARI", "SF"), "mhj", "initials"),
        ("KW3", ("SEA", "SF"), "kw3", "initials"),
        ("KW III", ("SEA", "SF"), "kw3", "initials"),
        ("CMC23", ("SF", "PHI"), "cmc", "initials"),
        ("Jamo", TEAMS, "jamo", "fan name"),
        ("Sun God", TEAMS, "arsb", "fan name"),
        ("Hollywood", ("KC", "PHI"), "hollywood", "fan name"),
        ("TJ Hock", ("MIN", "PHI"), "hock", "beginning of the name"),
        ("Hock", ("MIN", "PHI"), "hock", "beginning of the name"),
        ("Saquon B", TEAMS, "barkley", "beginning of the name"),
        ("Barkely", TEAMS, "barkley", "misspelling"),
        ("Saqoun Barkley", TEAMS, "barkley", "misspelling"),
        ("S. Barkly", TEAMS, "barkley", "misspelling"),
        ("Jamar Chase", ("CIN", "PHI"), "chase", "abbreviated first name"),
        ("Ja’Marr Chase", ("CIN", "PHI"), "chase", "normalised"),
        ("Hutchinson", TEAMS, "hutchinson", "last name"),
    ],
)
def test_a_name_is_understood_by_the_strongest_way_that_fits(
    text: str, teams: tuple[str, str], player: str, method: str
) -> None:
    found = LEAGUE.resolve(text, teams)
    assert (who(found), found.answer and found.answer.method) == (player, method)
    assert found.reason == ""
    assert found.candidates[0] == found.answer
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Kelce", "unknown"),
        ("Travis Kelce", "unknown"),
        ("nobody at all", "unknown"),
        ("", "unknown"),
        ("   ", "unknown"),
        ("...", "unknown"),
        ("🏈🏈", "unknown"),
        ("Jr.", "unknown"),
        ("Tyler", "weak"),  # a first name, of a guard
        ("Hutchnson", "weak"),  # a misspelling, of a defender
        ("Marcus Barkley", "unknown"),  # his last name, another first name
    ],
)
def test_what_is_nobody_s_name_there_or_weakly_so_is_a_question(text: str, why: str) -> None:
    found = LEAGUE.resolve(text, TEAMS)
    assert found.answer is None
    assert found.reason.startswith(f"{why}: ")
    assert found.reason.endswith(".")


def test_only_the_players_of_the_two_teams_are_candidates() -> None:
    assert who(LEAGUE.resolve("Travis Kelce", ("KC", "LA"))) == "kelce"
    assert LEAGUE.resolve("Travis Kelce", ()).answer is None
    assert LEAGUE.resolve("Travis Kelce", ("XXX", "YYY")).candidates == ()


def test_methods_are_listed_strongest_first() -> None:
    ranks = [method.rank for method in METHODS]
    assert ranks == sorted(ranks)
    assert all(0.0 <= method.confidence <= 1.0 for method in METHODS)


# --- among several ----------------------------------------------------------------------------------------------------

WILLIAMSES = resolver(
    row("jameson", "Jameson Williams", "DET", jersey=1),
    row("javonte", "Javonte Williams", "DAL", "RB", jersey=33),
    row("tackle", "Connor Williams", "DAL", "OL"),
)
DAL_DET = ("DAL", "DET")


@pytest.mark.parametrize("text", ["Williams", "J. Williams", "J.Williams", "JW", "Willimas"])
def test_two_who_fit_as_well_are_a_question_with_both(text: str) -> None:
    found = WILLIAMSES.resolve(text, DAL_DET)
    assert found.answer is None
    assert found.reason.startswith("tie: ")
    assert {scored.candidate.player_id for scored in found.candidates[:2]} == {"jameson", "javonte"}
    assert found.runner_up == found.candidates[1]
    assert "Jameson Williams (DET WR #1, jameson)" in found.reason


def test_the_team_typed_breaks_a_tie_and_says_so() -> None:
    found = WILLIAMSES.resolve("Williams", DAL_DET, preferred_team="DET")
    assert who(found) == "jameson"
    assert found.answer is not None
    assert found.answer.method == "last name, by team"
    alone = WILLIAMSES.resolve("Jameson", DAL_DET).answer
    assert alone is not None
    assert found.runner_up is not None
    assert found.runner_up.candidate.player_id == "javonte"


def test_the_position_typed_breaks_a_tie() -> None:
    assert who(WILLIAMSES.resolve("Williams", DAL_DET, position="RB")) == "javonte"
    assert who(WILLIAMSES.resolve("Williams", DAL_DET, position=" wr ")) == "jameson"
    assert WILLIAMSES.resolve("Williams", DAL_DET, position="QB").answer is None


@pytest.mark.parametrize(
    "text", ["Williams (DAL)", "Williams - DAL", "Williams RB", "Williams (RB, DAL)", "Javonte Williams DAL RB"]
)
def test_a_team_or_position_behind_the_name_is_read_as_such(text: str) -> None:
    found = WILLIAMSES.resolve(text, DAL_DET)
    assert who(found) == "javonte"
    assert found.text == text


def test_a_team_that_does_not_play_is_no_tail_to_leave_out() -> None:
    assert WILLIAMSES.resolve("Jameson Williams (SEA)", DAL_DET).answer is None
    assert WILLIAMSES.resolve("Williams (KC)", DAL_DET, preferred_team="DAL").answer is None


def test_team_and_position_that_speak_for_two_are_a_question() -> None:
    found = WILLIAMSES.resolve("Williams", DAL_DET, preferred_team="DET", position="RB")
    assert found.answer is None
    assert found.reason.startswith("tie: ")


def test_a_wrong_team_does_not_hide_the_player() -> None:
    book = resolver(row("pickens", "George Pickens", "DAL"), row("rice", "Rashee Rice", "KC"))
    for text in ("Pickens", "George Pickens", "Georgie Pickens", "Pikcens", "GP"):
        assert who(book.resolve(text, ("KC", "DAL"), preferred_team="KC")) == "pickens", text
    assert who(book.resolve("Pickens", ("KC", "DAL"), preferred_team="SEA")) == "pickens"


def test_a_lineman_on_the_team_typed_and_a_receiver_on_the_other_are_a_question() -> None:
    receiver, lineman = row("wr", "George Pickens", "DAL"), row("dl", "Zacch Pickens", "KC", "DL")
    found = resolver(receiver, lineman).resolve("Pickens", ("KC", "DAL"), preferred_team="KC")
    assert found.answer is None
    assert [scored.candidate.player_id for scored in found.candidates] == ["wr", "dl"]
    assert who(resolver(receiver, lineman).resolve("Pickens", ("KC", "DAL"))) == "wr"
    # of the practice squad he is no evidence
    spare = {**lineman, "active": False}
    assert who(resolver(receiver, spare).resolve("Pickens", ("KC", "DAL"), preferred_team="KC")) == "wr"


def test_a_lineman_of_the_position_typed_makes_a_question() -> None:
    assert WILLIAMSES.resolve("Williams", DAL_DET, position="OL").answer is None


def test_whom_people_pick_comes_before_others_of_the_same_name() -> None:
    book = resolver(row("qb", "Josh Allen", "BUF", "QB"), row("lb", "Josh Allen", "JAX", "LB"))
    assert who(book.resolve("Josh Allen", ("BUF", "JAX"))) == "qb"
    assert book.resolve("Josh Allen", ("BUF", "JAX"), preferred_team="JAX").answer is None
    assert who(book.resolve("Josh Allen", ("JAX", "TEN"))) == "lb"


def test_the_roster_proper_comes_before_the_practice_squad() -> None:
    book = resolver(row("squad", "Mike Jones", active=False), row("starter", "Zay Jones", "DET"))
    assert who(book.resolve("Jones", TEAMS)) == "starter"
    assert who(book.resolve("Mike Jones", TEAMS)) == "squad"
    assert book.resolve("Jones", TEAMS, preferred_team="PHI").answer is None
    # where nobody knows who is active, all are
    both = resolver(row("a", "Mike Jones", active=None), row("b", "Zay Jones", "DET", active=None))
    assert both.resolve("Jones", TEAMS).answer is None


@pytest.mark.parametrize("text", ["Jordan", "Henry", "James"])
def test_a_word_that_is_one_s_last_and_another_s_first_name_is_a_question(text: str) -> None:
    book = resolver(
        row("jordan1", "Jordan Love"),
        row("jordan2", "Brevin Jordan", "DET", "TE"),
        row("henry1", "Henry Ruggs"),
        row("henry2", "Derrick Henry", "DET", "RB"),
        row("james1", "James Cook"),
        row("james2", "Jesse James", "DET", "TE"),
    )
    found = book.resolve(text, TEAMS)
    assert found.answer is None
    assert found.reason.startswith("tie: ")
    # the team of the first name does not make a last name a first name; the team of the last name settles
    assert book.resolve(text, TEAMS, preferred_team="PHI").answer is None
    assert who(book.resolve(text, TEAMS, preferred_team="DET")) == f"{text.lower()}2"


def test_a_last_name_is_nobody_s_part_of_a_last_name() -> None:
    assert who(LEAGUE.resolve("Brown", TEAMS)) == "00-0035676"
    assert LEAGUE.resolve("Brown", TEAMS, preferred_team="DET").answer is None


def test_namesakes_of_one_team_are_told_by_suffix_or_by_whom_people_pick() -> None:
    book = resolver(
        row("rb", "Michael Carter", "NYJ", "RB"), row("db", "Michael Carter II", "NYJ", "DB"), row("x", "Zach Wilson")
    )
    assert who(book.resolve("Michael Carter", ("NYJ", "PHI"))) == "rb"
    assert who(book.resolve("Carter", ("NYJ", "PHI"))) == "rb"
    # the suffix says one, what people pick the other
    found = book.resolve("Michael Carter II", ("NYJ", "PHI"))
    assert found.answer is None
    assert found.candidates[0].candidate.player_id == "db"
    assert who(book.resolve("db", ("NYJ", "PHI"))) == "db"


def test_another_suffix_is_another_man() -> None:
    book = resolver(row("jr", "Odell Beckham Jr."))
    assert who(book.resolve("Odell Beckham Jr", TEAMS)) == "jr"
    assert who(book.resolve("Beckham Junior", TEAMS)) == "jr"
    assert who(book.resolve("OBJ", TEAMS)) == "jr"
    for text in ("Odell Beckham Sr.", "Odell Beckham III", "Beckham Sr"):
        assert book.resolve(text, TEAMS).answer is None, text


def test_an_exact_name_elsewhere_in_the_season_is_no_misspelling_of_one_here() -> None:
    book = resolver(row("here", "Mike Wilsons", "DET"), row("there", "Mike Wilson", "SEA"))
    found = book.resolve("Mike Wilson", TEAMS)
    assert found.answer is None
    assert found.reason.startswith("weak: ")
    assert found.candidates[0].candidate.player_id == "here"
    assert who(book.resolve("Mike Wilsonss", TEAMS)) == "here"


def test_two_as_near_to_a_misspelling_are_a_question() -> None:
    book = resolver(row("a", "Tyler Harris"), row("b", "Jason Farris", "DET"))
    assert book.resolve("Tarris", TEAMS).answer is None
    assert who(book.resolve("Harriss", TEAMS)) == "a"


def test_a_first_name_that_is_the_start_of_another_s_last_name_is_a_question() -> None:
    book = resolver(row("levis", "Will Levis", position="QB"), row("williams", "Kyren Williams", "DET", "RB"))
    for text in ("Will", "William"):
        assert book.resolve(text, TEAMS).answer is None, text
    assert who(book.resolve("Williams", TEAMS)) == "williams"
    book = resolver(row("conner", "James Conner", position="RB"), row("keeney", "Jakobie Keeney-James", "DET"))
    assert book.resolve("James", TEAMS).answer is None


def test_the_runner_up_is_the_best_other_who_fits() -> None:
    found = LEAGUE.resolve("Brown", TEAMS)
    assert found.runner_up is not None
    assert (found.runner_up.candidate.player_id, found.runner_up.method) == ("arsb", "part of last name")
    alone = resolver(row("a", "Puka Nacua")).resolve("Puka", TEAMS)
    assert alone.runner_up is None
    assert len(alone.candidates) == 1


def test_a_traded_player_who_is_on_both_rosters_is_one_player() -> None:
    old, new = row("meyers", "Jakobi Meyers", "LV", active=False), row("meyers", "Jakobi Meyers", "JAX")
    found = resolver(old, new).resolve("Meyers", ("LV", "JAX"))
    assert found.answer is not None
    assert found.answer.candidate.team == "JAX"
    assert len(found.candidates) == 1


def test_rows_without_id_name_or_team_are_nobody() -> None:
    book = resolver(
        {**row("x", "No Id"), "player_id": None},
        {**row("y", "No Name"), "player_name": None},
        {**row("z", "No Team"), "team": None},
        {**row("bare", "Only Name", position=None), "first_name": None, "last_name": None, "football_name": None},
    )
    assert book.resolve("No Id", TEAMS).answer is None
    assert book.resolve("No Team", TEAMS).answer is None
    assert who(book.resolve("Only Name", TEAMS)) == "bare"
    assert resolver().resolve("Anybody", TEAMS).candidates == ()


# --- aliases ----------------------------------------------------------------------------------------------------------


def alias(text: str, player_id: str, scope: str = "league") -> Alias:
    return Alias(normalise(text), player_id, scope)


def test_what_the_league_calls_him_is_understood() -> None:
    aliases = [alias("The Eagle", "barkley")]
    found = LEAGUE.resolve("the EAGLE", TEAMS, aliases=aliases)
    assert (who(found), found.answer and found.answer.method) == ("barkley", "alias")
    assert LEAGUE.resolve("the eagle", TEAMS).answer is None
    # he does not play here
    assert LEAGUE.resolve("the eagle", ("KC", "LA"), aliases=aliases).answer is None


def test_an_alias_settles_between_misspellings_initials_and_pieces_of_names() -> None:
    assert WILLIAMSES.resolve("JW", DAL_DET).answer is None
    assert who(WILLIAMSES.resolve("JW", DAL_DET, aliases=[alias("JW", "javonte")])) == "javonte"


@pytest.mark.parametrize("text", ["Williams", "Jameson Williams", "Jameson"])
def test_an_alias_is_no_stronger_than_another_s_own_name(text: str) -> None:
    aliases = [alias(text, "javonte")]
    found = WILLIAMSES.resolve(text, DAL_DET, aliases=aliases)
    assert found.answer is None
    assert found.reason.startswith("tie: ")
    assert who(WILLIAMSES.resolve(text, DAL_DET, aliases=aliases, preferred_team="DAL")) in ("javonte", None)


def test_an_alias_for_the_receiver_stands_beside_a_lineman_of_that_name() -> None:
    book = resolver(row("a", "Davante Adams"), row("ol", "Brandon Lynch", "DET", "OL"))
    assert who(book.resolve("Lynch", TEAMS, aliases=[alias("Lynch", "a")])) == "a"


def test_a_member_s_own_alias_comes_before_the_league_s_and_is_his_alone() -> None:
    aliases = [alias("JW", "javonte"), alias("JW", "jameson", "member:3")]
    assert who(WILLIAMSES.resolve("JW", DAL_DET, aliases=aliases, member_id=3)) == "jameson"
    assert who(WILLIAMSES.resolve("JW", DAL_DET, aliases=aliases, member_id=4)) == "javonte"
    assert who(WILLIAMSES.resolve("JW", DAL_DET, aliases=aliases)) == "javonte"


def test_two_aliases_of_one_text_are_a_question_until_team_or_position_settles() -> None:
    aliases = [alias("the guy", "javonte"), alias("the guy", "jameson")]
    assert WILLIAMSES.resolve("the guy", DAL_DET, aliases=aliases).answer is None
    assert who(WILLIAMSES.resolve("the guy", DAL_DET, aliases=aliases, position="RB")) == "javonte"


# --- nicknames --------------------------------------------------------------------------------------------------------


def test_short_forms_of_given_names_go_both_ways() -> None:
    for one, other in (("joshua", "josh"), ("christopher", "chris"), ("george", "georgie"), ("gabriel", "gabe")):
        assert other in other_forms(one)
        assert one in other_forms(other)
    assert other_forms("puka") == frozenset()


def test_no_two_players_have_one_fan_name_and_no_key_is_lost_in_normalising() -> None:
    names = [normalise(name) for name in fan_names()]
    assert len(names) == len(set(names))
    assert all(names)
    assert all(" " in player for player in fan_names().values())


# --- any text ---------------------------------------------------------------------------------------------------------

IDS = {entry["player_id"] for entry in GAME}
anything = st.one_of(
    st.text(max_size=40),
    st.sampled_from([entry["player_name"] for entry in GAME]).flatmap(
        lambda name: st.tuples(st.just(name), st.integers(0, len(name)), st.text(max_size=3)).map(
            lambda part: part[0][: part[1]] + part[2] + part[0][part[1] + 1 :]
        )
    ),
    st.lists(st.sampled_from(["brown", "St.", "aj", "Jr.", "DET", ",", "J.", "Will", "11", "x"]), max_size=6).map(
        " ".join
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    text=anything, preferred=st.sampled_from([None, "PHI", "DET", "KC"]), position=st.sampled_from([None, "WR", "x"])
)
@example(text="A" * 10_000, preferred=None, position=None)
@example(text="Brown " * 5_000, preferred=None, position=None)
@example(text=" , ", preferred=None, position=None)
@example(text="ساكون باركلي", preferred=None, position=None)
@example(text="\u202eyelkraB", preferred=None, position=None)
@example(text="\x00\ud800", preferred=None, position=None)
@example(text="İ́,ß", preferred="PHI", position="WR")
def test_any_text_is_answered_with_a_player_of_the_two_teams_or_asked(
    text: str, preferred: str | None, position: str | None
) -> None:
    found = LEAGUE.resolve(text, TEAMS, preferred_team=preferred, position=position)
    shown = [scored.candidate.player_id for scored in found.candidates]
    assert set(shown) <= IDS
    assert len(shown) == len(set(shown)) <= MAX_CANDIDATES
    assert all(0.0 < scored.confidence <= 1.0 for scored in found.candidates)
    assert len(found.reason) < 600
    if found.answer:
        assert (found.reason, found.candidates[0]) == ("", found.answer)
        assert found.runner_up == (found.candidates[1] if len(shown) > 1 else None)
    else:
        assert found.reason.split(":")[0] in ("tie", "weak", "unknown")


@settings(max_examples=60, deadline=None)
@given(text=anything, shuffled=st.permutations([*GAME, *OTHERS]), turned=st.booleans())
def test_the_order_of_rows_and_teams_does_not_matter(text: str, shuffled: list[dict[str, Any]], turned: bool) -> None:
    teams = TEAMS[::-1] if turned else TEAMS
    assert resolver(*shuffled).resolve(text, teams) == LEAGUE.resolve(text, TEAMS)


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from([entry["player_name"] for entry in GAME] + ["Brown", "Williams", "Saquon", "Barkely", "JG"]),
    noise=st.sampled_from(
        [str.upper, str.lower, str.swapcase, lambda t: f"  {t}\t", lambda t: t.replace(" ", "   "), lambda t: f'"{t}"']
    ),
)
def test_case_blanks_and_quotes_do_not_change_the_answer(name: str, noise: Any) -> None:
    assert who(LEAGUE.resolve(noise(name), TEAMS)) == who(LEAGUE.resolve(name, TEAMS))


def test_everybody_is_found_by_his_full_name() -> None:
    for entry in GAME:
        assert who(LEAGUE.resolve(entry["player_name"], TEAMS)) == entry["player_id"]
