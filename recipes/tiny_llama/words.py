"""Word lists and random names from which all families build their documents."""

from random import Random


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _list(
    """
    Anna Ben Clara David Emma Felix Grace Henry Ines Jonas Kate Leo Maria Noah Olga Paul Rosa Sam Tina
    Victor Alice Bruno Carla Daniel Elena Frank Gina Hugo Iris Jack Karen Lucas Mia Nina Oscar Petra
    Ryan Sofia Tom Vera Walter Yara Zoe Amir Bella Chen Dora Emil Fatima Georg Hana Ivan Julia Karim
    Laura Marco Nadia Omar Priya Robin Sara Theo Uma Wendy Adam Lena Max Ruth Eva Peter Nora Simon Lily
    Oliver
    """
)
LAST_NAMES = _list(
    """
    Smith Miller Brown Jones Garcia Weber Klein Rossi Novak Silva Khan Patel Lee Kim Wong Tanaka Berg
    Larsen Moreau Dubois Fischer Wagner Baker Cooper Hall Young King Wright Green Adams Nelson Carter
    Turner Parker Evans Murphy Cook Rogers Reed Bell Bailey Ward Price Wood Ross Hughes Foster Long
    Stone Fox
    """
)
CITIES = _list(
    """
    Paris London Berlin Madrid Rome Vienna Lisbon Oslo Dublin Prague Warsaw Athens Zurich Geneva Munich
    Hamburg Milan Naples Seville Porto Bergen Boston Chicago Denver Austin Seattle Toronto Montreal
    Sydney Delhi Mumbai Tokyo Osaka Seoul Beijing Cairo Nairobi Lagos Lima Quito
    """
)
ANIMALS = _list(
    """
    cat dog horse cow sheep goat pig duck hen fox wolf bear deer rabbit mouse owl eagle frog snake
    turtle lion tiger elephant monkey camel whale shark dolphin otter badger
    """
)
FRUIT = _list(
    """
    apple pear plum peach cherry banana orange lemon grape melon mango fig kiwi lime apricot berry
    papaya
    """
)
COLOURS = _list("red blue green yellow black white brown pink purple orange grey silver gold")
OBJECTS = _list(
    """
    book lamp chair table phone laptop watch camera bottle cup plate knife spoon bag coat hat shoe shirt
    ring key pen box clock mirror brush candle basket blanket pillow guitar drum bicycle ball kite
    umbrella map ticket letter hammer ladder bucket rope battery charger keyboard monitor printer
    speaker headset tablet router cable kettle toaster blender heater fan jacket scarf glove belt wallet
    suitcase tent
    """
)
ADJECTIVES = _list(
    """
    big small old new long short heavy light bright dark warm cold soft hard quiet loud clean dirty
    happy sad quick slow strong weak rich poor kind brave clever gentle round flat deep wide narrow
    sweet fresh strange simple
    """
)
VERBS = _list(
    """
    walk run jump swim read write sing dance cook eat drink sleep work play talk listen look wait travel
    learn teach build paint draw fix open close carry find lose buy sell send open push pull throw catch
    """
)
PLACES = _list(
    """
    park school market station office garden library kitchen beach forest river bridge museum hospital
    hotel restaurant airport village farm church shop bakery harbour castle mountain lake street square
    theatre
    """
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
JOBS = _list(
    """
    teacher doctor nurse driver baker farmer painter singer writer lawyer engineer pilot waiter gardener
    manager chemist plumber tailor clerk guard
    """
)

_ONSETS = _list("b c d f g h j k l m n p r s t v w z br cl dr fl gr kr pl pr sh sk st tr th")
_VOWELS = _list("a e i o u ai ea io ou")
_CODAS = ("", "", "", "n", "r", "l", "s", "m", "t", "k", "x", "nd", "st")


def person(rng: Random) -> str:
    """A first name, half of the time with a family name."""
    first = rng.choice(FIRST_NAMES)
    return first if rng.random() < 0.5 else f"{first} {rng.choice(LAST_NAMES)}"


def full_name(rng: Random) -> str:
    """A first and a family name."""
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"


def nonce(rng: Random, syllables: int = 0) -> str:
    """A made-up word, so that copying it is the only way to get it right."""
    count = syllables or rng.choice((1, 2, 2, 3))
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(count))


def number(rng: Random) -> int:
    """A whole number whose length, not its value, is evenly spread."""
    return rng.randint(0, int(10 ** rng.choice((1, 2, 2, 3))) - 1)


def code(rng: Random) -> str:
    """A reference such as `KX-4821`."""
    letters = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(rng.randint(1, 3)))
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(2, 6)))
    return f"{letters}{rng.choice(('-', '', '#'))}{digits}"


def day_of_year(rng: Random) -> str:
    """A date, in one of three notations."""
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1990, 2029)
    forms = (
        f"{day} {MONTHS[month - 1]} {year}",
        f"{year}-{month:02d}-{day:02d}",
        f"{MONTHS[month - 1]} {day}",
    )
    return rng.choice(forms)


def email(rng: Random) -> str:
    """An address at a made-up domain."""
    return f"{rng.choice(FIRST_NAMES).lower()}{rng.choice(('', '.', '_'))}{nonce(rng)}@{nonce(rng)}.example"


def price(rng: Random) -> str:
    """An amount with a currency sign."""
    return f"{rng.choice('$€£')}{rng.randint(1, 999)}{rng.choice(('', '.50', '.99', '.00'))}"


def clock(rng: Random) -> str:
    """A time of day."""
    return f"{rng.randint(0, 23):02d}:{rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50)):02d}"


def anything(rng: Random) -> str:
    """One short value of any kind, for families that copy."""
    makers = (person, nonce, code, day_of_year, email, price, clock)
    pick = rng.randrange(len(makers) + 3)
    if pick < len(makers):
        return makers[pick](rng)
    return rng.choice((rng.choice(OBJECTS), rng.choice(CITIES), str(number(rng))))
