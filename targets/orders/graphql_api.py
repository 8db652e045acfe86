"""Yields the GraphQL face of orders: types, queries and mutations; selectors, services and loaders do the work."""

from collections.abc import Coroutine, Sequence
from typing import Any

import graphene
from graphene_django import DjangoObjectType
from graphql import GraphQLResolveInfo

from targets.accounts.graphql_api import Address
from targets.accounts.models import Address as AddressRow
from targets.accounts.permissions import Anyone, Customer, Known, RunsTheShop, permit
from targets.catalog.models import Product
from targets.orders import inputs, loaders, models, quotes, selectors, services
from targets.web.actor import actor_of
from targets.web.event_loop import is_awaiting
from targets.web.graphql_scalars import DecimalText, UtcTime, WholeNumber
from targets.web.pagination import Page, read_list
from targets.web.view_cache import live


class BoughtProduct(DjangoObjectType):
    """A product as orders and carts show it."""

    class Meta:
        model = Product
        fields = ("id", "sku", "name")
        skip_registry = True


class CartProduct(BoughtProduct):
    """A product in a cart."""

    class Meta:
        model = Product
        fields = ("id", "sku", "name")
        skip_registry = True

    price = DecimalText(required=True)


class CartLine(graphene.ObjectType):
    """A product that a customer means to buy."""

    product = graphene.Field(CartProduct, required=True)
    quantity = graphene.Int(required=True)


class Cart(graphene.ObjectType):
    """What a customer means to buy."""

    lines = graphene.List(graphene.NonNull(CartLine), required=True)

    @staticmethod
    def resolve_lines(lines: list[models.CartLine], info: GraphQLResolveInfo) -> list[models.CartLine]:
        return lines


class OrderLine(graphene.ObjectType):
    """One product of an order, at the price that was paid for it."""

    product = graphene.Field(BoughtProduct, required=True)
    quantity = graphene.Int(required=True)
    unit_price = DecimalText(required=True)

    @staticmethod
    def resolve_product(line: models.OrderLine, info: GraphQLResolveInfo) -> Product:
        return loaders.product_of(line)


class Order(DjangoObjectType):
    """A purchase."""

    class Meta:
        model = models.Order
        fields = ("id",)

    status = graphene.String(required=True)
    total = DecimalText(required=True)
    placed_at = UtcTime(required=True)
    shipped_at = UtcTime()
    address = graphene.Field(Address, required=True)
    lines = graphene.List(graphene.NonNull(OrderLine), required=True)

    @staticmethod
    def resolve_address(order: models.Order, info: GraphQLResolveInfo) -> AddressRow:
        return loaders.address_of(order)

    @staticmethod
    def resolve_lines(order: models.Order, info: GraphQLResolveInfo) -> Sequence[models.OrderLine]:
        return loaders.lines_of(order)


class OrderPage(graphene.ObjectType):
    """One page of orders."""

    items = graphene.List(graphene.NonNull(Order), required=True)
    page = graphene.Int(required=True)
    size = graphene.Int(required=True)
    has_next = graphene.Boolean(required=True)


class Quote(graphene.ObjectType):
    """What a carrier asks for a parcel."""

    carrier = graphene.String(required=True)
    price = DecimalText(required=True)
    days = graphene.Int(required=True)


class MissingQuote(graphene.ObjectType):
    """A carrier without a quote, and why."""

    carrier = graphene.String(required=True)
    reason = graphene.String(required=True)


class Quotes(graphene.ObjectType):
    """The quotes of those who answered in time, and who did not."""

    quotes = graphene.List(graphene.NonNull(Quote), required=True)
    missing = graphene.List(graphene.NonNull(MissingQuote), required=True)


class Mail(DjangoObjectType):
    """A message of the outbox."""

    class Meta:
        model = models.Mail
        fields = ("id", "attempts", "fault")

    order = graphene.ID(required=True)
    state = graphene.String(required=True)
    made_at = UtcTime(required=True)
    sent_at = UtcTime()

    @staticmethod
    def resolve_order(mail: models.Mail, info: GraphQLResolveInfo) -> int:
        return mail.order_id


class MailPage(graphene.ObjectType):
    """One page of mails."""

    items = graphene.List(graphene.NonNull(Mail), required=True)
    page = graphene.Int(required=True)
    size = graphene.Int(required=True)
    has_next = graphene.Boolean(required=True)


class WishLine(graphene.InputObjectType):
    """So many of a product."""

    product = WholeNumber(required=True)
    quantity = WholeNumber(required=True)


class OrdersQuery(graphene.ObjectType):
    """What can be asked of orders."""

    cart = graphene.Field(Cart)
    order_list = graphene.Field(OrderPage, page=WholeNumber(), size=WholeNumber())
    order = graphene.Field(Order, id=graphene.ID(required=True))
    quote_list = graphene.Field(Quotes, country=graphene.String(required=True), grams=WholeNumber(required=True))
    mail_list = graphene.Field(MailPage, state=graphene.String(), page=WholeNumber(), size=WholeNumber())

    @staticmethod
    @permit(Known)
    def resolve_cart(root: None, info: GraphQLResolveInfo) -> list[models.CartLine]:
        return selectors.cart(actor=actor_of(info.context))

    @staticmethod
    @permit(Known)
    def resolve_order_list(root: None, info: GraphQLResolveInfo, **arguments: Any) -> Page[models.Order]:
        return selectors.order_list(actor=actor_of(info.context), window=read_list(arguments))

    @staticmethod
    @permit(Known)
    def resolve_order(root: None, info: GraphQLResolveInfo, *, id: str) -> models.Order:
        return selectors.order_detail(actor=actor_of(info.context), order_id=id)

    @staticmethod
    @permit(Anyone)
    def resolve_quote_list(
        root: None, info: GraphQLResolveInfo, **arguments: Any
    ) -> quotes.Quotes | Coroutine[Any, Any, quotes.Quotes]:
        live(info.context)
        parcel = inputs.read_parcel(arguments)
        if is_awaiting(info.context):
            return quotes.quote_list_async(parcel=parcel)
        return quotes.quote_list(parcel=parcel)

    @staticmethod
    @permit(RunsTheShop)
    def resolve_mail_list(root: None, info: GraphQLResolveInfo, **arguments: Any) -> Page[models.Mail]:
        live(info.context)
        state, window = inputs.read_mails(arguments)
        return selectors.mail_list(actor=actor_of(info.context), state=state, window=window)


class OrdersMutation(graphene.ObjectType):
    """What can be changed of orders."""

    cart_set = graphene.Field(Cart, product=graphene.ID(required=True), quantity=WholeNumber(required=True))
    order_create = graphene.Field(
        Order,
        address=WholeNumber(required=True),
        lines=graphene.List(graphene.NonNull(WishLine)),
        idempotency_key=graphene.String(),
    )
    mail_retry = graphene.Field(Mail, id=graphene.ID(required=True))

    @staticmethod
    @permit(Customer)
    def resolve_cart_set(
        root: None, info: GraphQLResolveInfo, *, product: str, **arguments: Any
    ) -> list[models.CartLine]:
        quantity = inputs.read_quantity(arguments)
        return services.cart_set(actor=actor_of(info.context), product_id=product, quantity=quantity)

    @staticmethod
    @permit(Customer)
    def resolve_order_create(
        root: None, info: GraphQLResolveInfo, *, idempotency_key: str | None = None, **arguments: Any
    ) -> models.Order:
        wish = inputs.read_wish(arguments, key=idempotency_key)
        return services.order_create(actor=actor_of(info.context), wish=wish)

    @staticmethod
    @permit(RunsTheShop)
    def resolve_mail_retry(root: None, info: GraphQLResolveInfo, *, id: str) -> models.Mail:
        return services.mail_retry(actor=actor_of(info.context), mail_id=id)
