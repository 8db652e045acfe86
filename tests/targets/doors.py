"""Yields every operation of the project as a request of either face, and who sends it.

`DOORS` maps an operation's name to what it asks of a thing: a path and a body for REST, a document for GraphQL.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.operations.operation import Request
from targets.accounts.models import Address, User
from targets.accounts.tokens import pair_for
from targets.catalog.models import Brand, Category, Product, Review
from targets.orders.models import CartLine, Mail, Order, OrderLine

PASSWORD = "correct horse battery"
STREET = {"street": "1 High Street", "city": "Leeds", "postcode": "LS1", "country": "GB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What a request is about: an id, where there is one, and what else its operation wants to be told."""

    id: object = 0
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An operation in both faces. `path` may hold {id}; `call` is the GraphQL field with its variables in order."""

    method: str
    path: str
    kind: str
    call: str
    variables: str = ""
    has_id: bool = False

    def rest(self, thing: Thing) -> Request:
        """The REST request."""
        body = json.dumps(dict(thing.told)).encode() if self.method != "GET" and thing.told else None
        content = "application/json" if body is not None else None
        return Request(method=self.method, path=self.path.format(id=thing.id), body=body, content_type=content)

    def graphql(self, thing: Thing) -> Request:
        """The GraphQL request."""
        given = {camel(name): value for name, value in thing.told.items()}
        if self.has_id:
            given["id"] = str(thing.id)
        head = f"({self.variables})" if self.variables else ""
        document = f"{self.kind} Asked{head} {{ {self.call} }}"
        body = json.dumps({"query": document, "variables": given}).encode()
        return Request(method="POST", path="/graphql", body=body, content_type="application/json")

    def request(self, face: str, thing: Thing) -> Request:
        """The request of a face."""
        return self.rest(thing) if face == "rest" else self.graphql(thing)


def camel(name: str) -> str:
    """The name as GraphQL has it."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


_USER = "{ id email name role isActive joinedAt }"
_PAIR = "{ access refresh expiresIn }"
_ADDRESS = "{ id street city postcode country }"
_LINES = "lines { product { id sku name } quantity unitPrice }"
_ORDER = f"{{ id status total placedAt shippedAt address {_ADDRESS} {_LINES} }}"
_CART = "{ lines { product { id sku name price } quantity } }"
_MAIL = "{ id order state attempts fault madeAt sentAt }"

DOORS: Mapping[str, Door] = {
    "product_list": Door(
        method="GET", path="/api/products/", kind="query", call="productList(size: 1) { items { id } }"
    ),
    "product_search": Door(
        method="GET", path="/api/products/search/", kind="query", call="productSearch(size: 1) { items { id } }"
    ),
    "product_detail": Door(
        method="GET", path="/api/products/{id}/", kind="query", call="product(id: $id) { id }",
        variables="$id: ID!", has_id=True,
    ),
    "product_create": Door(
        method="POST", path="/api/products/", kind="mutation",
        call="productCreate(sku: $sku, name: $name, brand: $brand, category: $category, price: $price) { id version }",
        variables="$sku: String!, $name: String!, $brand: WholeNumber!, $category: WholeNumber!, $price: DecimalText!",
    ),
    "product_update": Door(
        method="PATCH", path="/api/products/{id}/", kind="mutation",
        call="productUpdate(id: $id, version: $version, stock: $stock) { id version }",
        variables="$id: ID!, $version: WholeNumber!, $stock: WholeNumber", has_id=True,
    ),
    "review_create": Door(
        method="POST", path="/api/products/{id}/reviews/", kind="mutation",
        call="reviewCreate(product: $id, rating: $rating, title: $title) { id rating }",
        variables="$id: ID!, $rating: WholeNumber!, $title: String!", has_id=True,
    ),
    "review_delete": Door(
        method="DELETE", path="/api/reviews/{id}/", kind="mutation", call="reviewDelete(id: $id)",
        variables="$id: ID!", has_id=True,
    ),
    "user_register": Door(
        method="POST", path="/api/users/", kind="mutation",
        call=f"userRegister(email: $email, password: $password, name: $name) {_USER}",
        variables="$email: String!, $password: String!, $name: String!",
    ),
    "me": Door(method="GET", path="/api/users/me/", kind="query", call=f"me {_USER}"),
    "user": Door(
        method="GET", path="/api/users/{id}/", kind="query", call=f"user(id: $id) {_USER}",
        variables="$id: ID!", has_id=True,
    ),
    "user_update": Door(
        method="PATCH", path="/api/users/{id}/", kind="mutation", call=f"userUpdate(id: $id, name: $name) {_USER}",
        variables="$id: ID!, $name: String", has_id=True,
    ),
    "user_role": Door(
        method="PATCH", path="/api/users/{id}/", kind="mutation", call=f"userUpdate(id: $id, role: $role) {_USER}",
        variables="$id: ID!, $role: String", has_id=True,
    ),
    "user_deactivate": Door(
        method="POST", path="/api/users/{id}/deactivate/", kind="mutation", call=f"userDeactivate(id: $id) {_USER}",
        variables="$id: ID!", has_id=True,
    ),
    "password_change": Door(
        method="POST", path="/api/users/me/password/", kind="mutation",
        call=f"passwordChange(current: $current, new: $new) {_PAIR}", variables="$current: String!, $new: String!",
    ),
    "token_obtain": Door(
        method="POST", path="/api/tokens/", kind="mutation",
        call=f"tokenObtain(email: $email, password: $password) {_PAIR}",
        variables="$email: String!, $password: String!",
    ),
    "token_refresh": Door(
        method="POST", path="/api/tokens/refresh/", kind="mutation", call=f"tokenRefresh(refresh: $refresh) {_PAIR}",
        variables="$refresh: String!",
    ),
    "token_revoke": Door(
        method="POST", path="/api/tokens/revoke/", kind="mutation", call="tokenRevoke(refresh: $refresh)",
        variables="$refresh: String!",
    ),
    "address_list": Door(
        method="GET", path="/api/addresses/", kind="query", call=f"addressList {{ items {_ADDRESS} page size hasNext }}"
    ),
    "address": Door(
        method="GET", path="/api/addresses/{id}/", kind="query", call=f"address(id: $id) {_ADDRESS}",
        variables="$id: ID!", has_id=True,
    ),
    "address_create": Door(
        method="POST", path="/api/addresses/", kind="mutation",
        call=f"addressCreate(street: $street, city: $city, postcode: $postcode, country: $country) {_ADDRESS}",
        variables="$street: String!, $city: String!, $postcode: String!, $country: String!",
    ),
    "address_update": Door(
        method="PATCH", path="/api/addresses/{id}/", kind="mutation",
        call=f"addressUpdate(id: $id, city: $city) {_ADDRESS}", variables="$id: ID!, $city: String", has_id=True,
    ),
    "address_delete": Door(
        method="DELETE", path="/api/addresses/{id}/", kind="mutation", call="addressDelete(id: $id)",
        variables="$id: ID!", has_id=True,
    ),
    "cart": Door(method="GET", path="/api/cart/", kind="query", call=f"cart {_CART}"),
    "cart_set": Door(
        method="PUT", path="/api/cart/{id}/", kind="mutation",
        call=f"cartSet(product: $id, quantity: $quantity) {_CART}",
        variables="$id: ID!, $quantity: WholeNumber!", has_id=True,
    ),
    "order_list": Door(
        method="GET", path="/api/orders/", kind="query", call=f"orderList {{ items {_ORDER} page size hasNext }}"
    ),
    "order": Door(
        method="GET", path="/api/orders/{id}/", kind="query", call=f"order(id: $id) {_ORDER}", variables="$id: ID!",
        has_id=True,
    ),
    "order_create": Door(
        method="POST", path="/api/orders/", kind="mutation",
        call=f"orderCreate(address: $address, lines: $lines) {_ORDER}",
        variables="$address: WholeNumber!, $lines: [WishLine!]",
    ),
    "quote_list": Door(
        method="GET", path="/api/quotes/?country=GB&grams=100", kind="query",
        call='quoteList(country: "GB", grams: 100) { quotes { carrier } missing { carrier } }',
    ),
    "mail_list": Door(
        method="GET", path="/api/mails/", kind="query", call=f"mailList {{ items {_MAIL} page size hasNext }}"
    ),
    "mail_retry": Door(
        method="POST", path="/api/mails/{id}/retry/", kind="mutation", call=f"mailRetry(id: $id) {_MAIL}",
        variables="$id: ID!", has_id=True,
    ),
}  # fmt: skip


def code_of(status: int, body: bytes) -> str:
    """`ok`, or the code of the refusal, whichever face told it. Raises AssertionError for any other shape."""
    told = json.loads(body) if body else {}
    if "error" in told:
        assert set(told) == {"error"}, told
        assert set(told["error"]) == {"code", "message", "fields"}, told
        assert status >= 400, told
        return str(told["error"]["code"])
    if "errors" in told:
        [error] = told["errors"]
        assert set(error) <= {"message", "extensions", "path"}, told
        assert set(error["extensions"]) == {"code", "fields"}, told
        return str(error["extensions"]["code"])
    assert status < 300, (status, body[:300])
    return "ok"


def answer_of(door: str, face: str, body: bytes) -> Any:
    """What an operation gave, with names as REST has them."""
    told = json.loads(body)
    return told if face == "rest" else next(iter(told["data"].values()))


def person(role: str, **fields: Any) -> User:
    """A new user who can log in with PASSWORD."""
    return User.objects.create_user(
        f"{role}-{secrets.token_hex(6)}@example.com", PASSWORD, name="Somebody", role=role, **fields
    )


def bearer(user: User) -> dict[str, str]:
    """The header of a new login."""
    return {"Authorization": f"Bearer {pair_for(user).access}"}


def product_of(merchant: User, *, stock: int = 9) -> Product:
    """A new product."""
    return Product.objects.create(
        sku=f"T-{secrets.token_hex(6).upper()}", name="Thing", brand=Brand.objects.order_by("id")[0],
        category=Category.objects.order_by("id")[0], merchant=merchant, price="1.00", stock=stock,
    )  # fmt: skip


def review_by(author: User) -> Review:
    """A new review of a new product of somebody else's."""
    return Review.objects.create(author=author, product=product_of(person("merchant")), rating=3, title="Fine")


def address_of(user: User) -> Address:
    """A new address."""
    return Address.objects.create(user=user, **STREET)


def order_of(user: User) -> Order:
    """A new order of one line."""
    order = Order.objects.create(customer=user, address=address_of(user), total="2.00")
    OrderLine.objects.create(order=order, product=product_of(person("merchant")), quantity=2, unit_price="1.00")
    return order


def dead_mail() -> Mail:
    """A mail that nobody tries any more."""
    return Mail.objects.create(order=order_of(person("customer")), state=Mail.State.DEAD, attempts=8, fault="SMTP 550")


def wish_of(user: User, *, product: Product | None = None, quantity: int = 1) -> dict[str, Any]:
    """What a user sends to order so many of a product."""
    product = product or product_of(person("merchant"))
    return {"address": address_of(user).id, "lines": [{"product": product.id, "quantity": quantity}]}


Making = Callable[[User], Thing]

ABOUT: Mapping[str, Making] = {
    "product_detail": lambda owner: Thing(id=product_of(owner).id),
    "product_create": lambda _: Thing(
        told={
            "sku": f"N-{secrets.token_hex(6).upper()}", "name": "New", "price": "2.50",
            "brand": Brand.objects.order_by("id")[0].id, "category": Category.objects.order_by("id")[0].id,
        }
    ),
    "product_update": lambda owner: Thing(id=product_of(owner).id, told={"version": 1, "stock": 7}),
    "review_create": lambda owner: Thing(id=product_of(owner).id, told={"rating": 4, "title": "Good"}),
    "review_delete": lambda owner: Thing(id=review_by(owner).id),
    "user_register": lambda _: Thing(
        told={"email": f"new-{secrets.token_hex(6)}@example.com", "password": PASSWORD, "name": "New"}
    ),
    "user": lambda owner: Thing(id=owner.id),
    "user_update": lambda owner: Thing(id=owner.id, told={"name": "Renamed"}),
    "user_role": lambda owner: Thing(id=owner.id, told={"role": "merchant"}),
    "user_deactivate": lambda owner: Thing(id=owner.id),
    "password_change": lambda _: Thing(told={"current": PASSWORD, "new": "another correct horse"}),
    "token_obtain": lambda owner: Thing(told={"email": owner.email, "password": PASSWORD}),
    "token_refresh": lambda owner: Thing(told={"refresh": pair_for(owner).refresh}),
    "token_revoke": lambda owner: Thing(told={"refresh": pair_for(owner).refresh}),
    "address": lambda owner: Thing(id=address_of(owner).id),
    "address_create": lambda _: Thing(told=STREET),
    "address_update": lambda owner: Thing(id=address_of(owner).id, told={"city": "York"}),
    "address_delete": lambda owner: Thing(id=address_of(owner).id),
    "cart_set": lambda _: Thing(id=product_of(person("merchant")).id, told={"quantity": 2}),
    "order": lambda owner: Thing(id=order_of(owner).id),
    "order_create": lambda owner: Thing(told=wish_of(owner)),
    "mail_retry": lambda _: Thing(id=dead_mail().id),
}  # fmt: skip
"""How the thing is made that an operation is asked about; what is not here needs none."""


def forget_everyone(before: int) -> None:
    """Remove the users whom tests made, and all that is theirs: their ids come after `before`."""
    Order.objects.filter(customer_id__gt=before).delete()
    CartLine.objects.filter(customer_id__gt=before).delete()
    Review.objects.filter(author_id__gt=before).delete()
    Product.objects.filter(merchant_id__gt=before).delete()
    User.objects.filter(id__gt=before).delete()
