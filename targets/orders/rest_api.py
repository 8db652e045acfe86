"""Yields the REST face of orders: shapes and addresses only; selectors, services and loaders do the work."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from targets.accounts.permissions import Anyone, Customer, Known, Permission, RunsTheShop
from targets.accounts.rest_api import AddressSerializer
from targets.accounts.rest_views import GuardedViewSet
from targets.orders import inputs, loaders, quotes, selectors, services
from targets.orders.models import Mail, Order
from targets.web.actor import actor_of
from targets.web.bodies import body_of
from targets.web.pagination import read_list
from targets.web.related import Related
from targets.web.texts import DecimalTextField, UtcField

Shape = serializers.Serializer[Any]


class BoughtSerializer(Shape):
    id = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()


class CartProductSerializer(BoughtSerializer):
    price = DecimalTextField()


class CartLineSerializer(Shape):
    product = CartProductSerializer()
    quantity = serializers.IntegerField()


class CartSerializer(Shape):
    lines = CartLineSerializer(many=True)


class OrderLineSerializer(Shape):
    product = Related(BoughtSerializer(), loader=loaders.product_of)
    quantity = serializers.IntegerField()
    unit_price = DecimalTextField()


class OrderSerializer(Shape):
    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Order.Status.choices)
    total = DecimalTextField()
    placed_at = UtcField()
    shipped_at = UtcField()
    address = Related(AddressSerializer(), loader=loaders.address_of)
    lines = Related(OrderLineSerializer(many=True), loader=loaders.lines_of)


@extend_schema_serializer(many=False)
class OrderPageSerializer(Shape):
    items = OrderSerializer(many=True)
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    has_next = serializers.BooleanField()


class QuoteSerializer(Shape):
    carrier = serializers.CharField()
    price = DecimalTextField()
    days = serializers.IntegerField()


class MissingSerializer(Shape):
    carrier = serializers.CharField()
    reason = serializers.CharField()


class QuotesSerializer(Shape):
    quotes = QuoteSerializer(many=True)
    missing = MissingSerializer(many=True)


class MailSerializer(Shape):
    id = serializers.UUIDField()
    order = serializers.IntegerField(source="order_id")
    state = serializers.ChoiceField(choices=Mail.State.choices)
    attempts = serializers.IntegerField()
    fault = serializers.CharField()
    made_at = UtcField()
    sent_at = UtcField()


@extend_schema_serializer(many=False)
class MailPageSerializer(Shape):
    items = MailSerializer(many=True)
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    has_next = serializers.BooleanField()


class QuantitySerializer(Shape):
    quantity = serializers.IntegerField(min_value=0, max_value=inputs.MAX_QUANTITY)


class WishLineSerializer(Shape):
    product = serializers.IntegerField(min_value=1)
    quantity = serializers.IntegerField(min_value=1, max_value=inputs.MAX_QUANTITY)


class WishSerializer(Shape):
    address = serializers.IntegerField(min_value=1)
    lines = serializers.ListField(child=WishLineSerializer(), required=False, min_length=1, max_length=inputs.MAX_LINES)


_WINDOW = [OpenApiParameter("page", int), OpenApiParameter("size", int)]
_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)


class CartViewSet(GuardedViewSet):
    """What a customer means to buy."""

    permissions: ClassVar[dict[str, type[Permission]]] = {"list": Known, "update": Customer}

    @extend_schema(responses=CartSerializer, operation_id="cart_retrieve")
    def list(self, request: Request) -> Response:
        """One's own cart."""
        return Response(CartSerializer({"lines": selectors.cart(actor=actor_of(request))}).data)

    @extend_schema(request=QuantitySerializer, responses=CartSerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Have so many of a product in the cart; 0 takes it out."""
        quantity = inputs.read_quantity(body_of(request))
        lines = services.cart_set(actor=actor_of(request), product_id=pk, quantity=quantity)
        return Response(CartSerializer({"lines": lines}).data)


class OrderViewSet(GuardedViewSet):
    """Orders: one's own, and for those who run the shop each one to read."""

    permissions: ClassVar[dict[str, type[Permission]]] = {"list": Known, "retrieve": Known, "create": Customer}

    @extend_schema(parameters=_WINDOW, responses=OrderPageSerializer)
    def list(self, request: Request) -> Response:
        """A page of one's own orders, newest first."""
        window = read_list(request.query_params)
        return Response(OrderPageSerializer(selectors.order_list(actor=actor_of(request), window=window)).data)

    @extend_schema(responses=OrderSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One order."""
        return Response(OrderSerializer(selectors.order_detail(actor=actor_of(request), order_id=pk)).data)

    @extend_schema(parameters=[_KEY], request=WishSerializer, responses={201: OrderSerializer})
    def create(self, request: Request) -> Response:
        """Order what `lines` say, or else what is in the cart; with the same key again, the same order."""
        wish = inputs.read_wish(body_of(request), key=request.headers.get("Idempotency-Key"))
        order = services.order_create(actor=actor_of(request), wish=wish)
        return Response(OrderSerializer(order).data, status=status.HTTP_201_CREATED)


class QuoteViewSet(GuardedViewSet):
    """What carriers ask for a parcel."""

    permissions: ClassVar[dict[str, type[Permission]]] = {"list": Anyone}

    @extend_schema(
        parameters=[OpenApiParameter("country", str, required=True), OpenApiParameter("grams", int, required=True)],
        responses=QuotesSerializer, operation_id="quotes_list",
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        """The quotes of those who answered in time, and who did not."""
        found = quotes.quote_list(parcel=inputs.read_parcel(request.query_params))
        return Response(QuotesSerializer(found).data)


async def quotes_async(request: HttpRequest) -> HttpResponse:
    """The same in an event loop: what the project serves in place of `QuoteViewSet` where there is one."""
    found = await quotes.quote_list_async(parcel=inputs.read_parcel(request.GET))
    return HttpResponse(JSONRenderer().render(QuotesSerializer(found).data), content_type="application/json")


class MailViewSet(GuardedViewSet):
    """The outbox, for those who run the shop."""

    permissions: ClassVar[dict[str, type[Permission]]] = {"list": RunsTheShop, "retry": RunsTheShop}

    @extend_schema(
        parameters=[OpenApiParameter("state", str, enum=Mail.State.values), *_WINDOW], responses=MailPageSerializer
    )
    def list(self, request: Request) -> Response:
        """A page of the mails in a state, by default those that nobody tries any more."""
        state, window = inputs.read_mails(request.query_params)
        page = selectors.mail_list(actor=actor_of(request), state=state, window=window)
        return Response(MailPageSerializer(page).data)

    @extend_schema(request=None, responses=MailSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Have a mail tried again that nobody tries any more."""
        return Response(MailSerializer(services.mail_retry(actor=actor_of(request), mail_id=pk)).data)


router = SimpleRouter()
router.register("cart", CartViewSet, basename="cart")
router.register("orders", OrderViewSet, basename="order")
router.register("quotes", QuoteViewSet, basename="quote")
router.register("mails", MailViewSet, basename="mail")
