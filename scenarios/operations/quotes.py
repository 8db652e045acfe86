"""Yields `quote_list`, which waits for others, and `QUOTING`, a visit that asks for it alone."""

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from fixtures.sizes import Size
from scenarios.operations.browsing import Walk
from scenarios.operations.operation import Operation, Refusal, Request, by_document, by_query
from scenarios.operations.popularity import USUAL
from scenarios.operations.reading import AnswerReader

QUOTES_DOCUMENT: Final = """
query QuoteList($country: String!, $grams: WholeNumber!) {
  quoteList(country: $country, grams: $grams) {
    quotes { carrier price days }
    missing { carrier reason }
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelParameters:
    """What is to be sent: to which country, and how heavy."""

    country: str
    grams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a carrier asks, and how many days it takes."""

    carrier: str
    price: str
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A carrier without a quote, and why."""

    carrier: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """The quotes, the cheapest first, and who is missing."""

    quotes: tuple[Quote, ...]
    missing: tuple[Missing, ...]


def _sample(rng: Random, _: Size, *, exponent: float = USUAL) -> ParcelParameters:
    return ParcelParameters(country=rng.choice(("GB", "DE", "FR", "PL")), grams=rng.randint(1, 200) * 50)


def _by_rest(wanted: ParcelParameters) -> Request:
    return by_query("/api/quotes/", country=wanted.country, grams=wanted.grams)


def _by_graphql(wanted: ParcelParameters) -> Request:
    return by_document(QUOTES_DOCUMENT, country=wanted.country, grams=wanted.grams)


def read_quotes(face: str, status: int, body: bytes) -> Quotes | Refusal:
    """The quotes in an answer to `quote_list`."""
    reader = AnswerReader(face)
    found = reader.answer(status, body, query="quoteList")
    if isinstance(found, Refusal):
        return found
    quotes, missing = reader.keys(found, "quotes", "missing")
    return Quotes(
        quotes=reader.many(quotes, lambda each: _quote(reader, each)),
        missing=reader.many(missing, lambda each: _missing(reader, each)),
    )


def _quote(reader: AnswerReader, value: Any) -> Quote:
    carrier, price, days = reader.keys(value, "carrier", "price", "days")
    return Quote(carrier=reader.text(carrier), price=reader.decimal(price), days=reader.whole(days))


def _missing(reader: AnswerReader, value: Any) -> Missing:
    carrier, reason = reader.keys(value, "carrier", "reason")
    return Missing(carrier=reader.text(carrier), reason=reader.text(reason))


QUOTE_LIST: Final = Operation(name="quote_list", sample=_sample, rest=_by_rest, graphql=_by_graphql, read=read_quotes)
QUOTING: Final = Walk(name="quoting", steps=(QUOTE_LIST,))
