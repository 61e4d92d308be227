"""Names that people use and rosters do not have, as data: short forms of given names, and a few names that fans gave.

Given names are general knowledge, not a list of players. A player's own nickname stands here only where no rule derives
it from his name; what one league says among itself is an alias of that league, not a line here.
"""

from __future__ import annotations

import functools
from typing import Final

# Every line: names that one person may go by. A name may stand in several lines; they are not joined.
_GIVEN: Final = """
abraham abe
albert al bert
alexander alex xander zander lex
alfred al fred
andrew andy drew dru
anthony tony ant
antonio tony
arthur art artie
benjamin ben benny benji
bernard bernie
bradley brad
brandon bran
calvin cal
cameron cam
camden cam
camryn cam
cedric ced
cedrick ced
charles charlie chuck chas
chester chet
chigoziem chig
christian cris
christopher chris topher
clayton clay
clifford cliff
clinton clint
cortland cort
courtland court
curtis curt
daniel dan danny
david dave davey
deandre dre
demetrius meech
dennis denny
desmond dez des
devonta tae
dexter dex
dominic dom nic
dominick dom nick
donald don donnie donny
donovan don
douglas doug
edgar ed
edmund ed eddie
edward ed eddie ted teddy ned
edwin ed eddie
elijah eli
elliott eli
emanuel manny
emmanuel manny
ernest ernie
eugene gene
ezekiel zeke
francis frank frankie
franklin frank frankie
frederick fred freddie freddy
gabriel gabe
garrett gary
geoffrey geoff
george georgie geo
gerald gerry jerry
gilbert gil
gregory greg gregg
harold harry hal
harrison harry
henry hank harry
herbert herb
howard howie
immanuel manny
irvin irv
isaac ike
isaiah zay ike izzy
isiah zay ike
jackson jack jax
jacob jake
jacoby jake
jamaal mal
jamal mal
james jim jimmy jamie
jaylen jay
jaylin jay
jefferson jeff
jeffery jeff
jeffrey jeff
jeremiah jerry jere miah
jeremy jerry
jerome jerry rome
john johnny jack jon
johnathan john johnny jon
jonathan jon jonny john johnny
jordan jordy
joseph joe joey
joshua josh
julian jules
julius jules
kendall ken
kendrick ken
kenneth ken kenny
kevin kev
kristopher kris
lawrence larry
leonard len lenny leo
leslie les
lewis lew lou
louis lou louie
lucas luke
malachi mal
malcolm mal
malik lik
marcus marc
marquez quez
martin marty
marvin marv
mathew matt matty
matthew matt matty
maurice moe mo reece
maxwell max
melvin mel
michael mike mikey mick
mitchell mitch
mohamed mo
mohammed mo
montgomery monty
nathan nate nat
nathaniel nate nathan nat
nicholas nick nico nicky
nickolas nick
nikolas nik niko
norman norm
oliver ollie
oronde ronde
oscar ozzy
patrick pat paddy
peter pete petey
phillip phil
philip phil
quentin quinn
quincy quin
raymond ray
reginald reggie
ricardo rick ricky
richard rick ricky rich richie
robert rob robbie bob bobby
roberto rob
roderick rod
rodney rod
romeo rome
ronald ron ronnie
russell russ
samuel sam sammy
samson sam
scott scotty
sebastian seb
sidney sid
simeon sim
solomon sol
stanley stan
stephen steve stevie steph
stephon steph
steven steve stevie
terence terry
terrance terry
terrell rell
terrence terry
theodore ted teddy theo
thaddeus thad tad
thomas tom tommy
timothy tim timmy
tobias toby
travis trav
tremaine tre
trevon tre
trevor trev
tristan tris
tyler ty
tyquan ty
tyreek reek ty
tyrell ty
tyrod ty
tyrone ty
tyson ty
vernon vern
victor vic
vincent vince vinny
virgil virg
walter walt wally
wesley wes
william will bill billy willie liam
xavier zay
zachariah zach zack zac
zachary zach zack zac
zechariah zech zach
"""

# What fans call a player, where his name does not show it, with his name on the roster. Well known, of several seasons.
_PLAYERS: Final[dict[str, str]] = {
    "Beast Mode": "Marshawn Lynch",
    "Big Ben": "Ben Roethlisberger",
    "Bill Croskey-Merritt": "Jacory Croskey-Merritt",
    "Cheetah": "Tyreek Hill",
    "Danny Dimes": "Daniel Jones",
    "Fitzmagic": "Ryan Fitzpatrick",
    "Hollywood": "Marquise Brown",
    "Hollywood Brown": "Marquise Brown",
    "JJettas": "Justin Jefferson",
    "Jamo": "Jameson Williams",
    "Jettas": "Justin Jefferson",
    "Joe Cool": "Joe Burrow",
    "Joe Shiesty": "Joe Burrow",
    "Juice": "Kyle Juszczyk",
    "King Henry": "Derrick Henry",
    "Matty Ice": "Matt Ryan",
    "Megatron": "Calvin Johnson",
    "Nuk": "DeAndre Hopkins",
    "Pop Douglas": "DeMario Douglas",
    "Run CMC": "Christian McCaffrey",
    "Scary Terry": "Terry McLaurin",
    "Slim Reaper": "DeVonta Smith",
    "Sonic": "Jahmyr Gibbs",
    "Sun God": "Amon-Ra St. Brown",
    "TB12": "Tom Brady",
    "Tank Dell": "Nathaniel Dell",
}


@functools.cache
def _equals() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _GIVEN.split("\n"):
        names = set(line.split())
        for name in names:
            found.setdefault(name, set()).update(names - {name})
    return {name: frozenset(others) for name, others in found.items()}


def other_forms(given: str) -> frozenset[str]:
    """What else someone of this given name (normalised) may be called: `joshua` gives `josh`; and the other way."""
    return _equals().get(given, frozenset())


def fan_names() -> dict[str, str]:
    """What fans call a player -> his name."""
    return dict(_PLAYERS)
