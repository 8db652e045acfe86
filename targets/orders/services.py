"""Yields what customers write: carts and orders. An order is whole, or not at all, and sells what is there."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import router, transaction
from django.utils import timezone

from targets.accounts.models import BUYS, RUNS_THE_SHOP, Address
from targets.catalog.models import Product
from targets.orders.inputs import MAX_LINES, Wish
from targets.orders.mails import LEASE, mail_send
from targets.orders.models import CartLine, Mail, Order, OrderKey, OrderLine
from targets.orders.selectors import cart, order_detail
from targets.web.actor import Actor
from targets.web.cache_store import changed
from targets.web.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, SoldOutError
from targets.web.parameters import read_id


def cart_set(*, actor: Actor, product_id: str, quantity: int) -> list[CartLine]:
    """The cart, with so many of a product. Raises NotFoundError, ForbiddenError, InvalidError."""
    if actor.role not in BUYS:
        raise ForbiddenError
    database = router.db_for_write(CartLine)
    lines = CartLine.objects.using(database).filter(customer_id=actor.id)
    product = read_id(product_id)
    with transaction.atomic(using=database):
        if quantity == 0:
            lines.filter(product_id=product).delete()
        else:
            if not Product.objects.using(database).filter(id=product).exists():
                raise NotFoundError("There is no such product.")
            CartLine.objects.using(database).update_or_create(
                customer_id=actor.id, product_id=product, defaults={"quantity": quantity}
            )
            if lines.count() > MAX_LINES:
                raise InvalidError({"input": f"A cart holds at most {MAX_LINES} products."})
        changed("orders", using=database)
    return cart(actor=actor)


def order_create(*, actor: Actor, wish: Wish) -> Order:
    """A new order, paid for with stock; or, of a key that was used, the order that it made.

    Raises ForbiddenError, InvalidError, SoldOutError, and ConflictError for a key with another wish.
    """
    if actor.role not in BUYS:
        raise ForbiddenError
    database = router.db_for_write(Order)
    with transaction.atomic(using=database):
        key = _key(actor, wish, database=database) if wish.key else None
        if key is not None and key.order_id is not None:
            return order_detail(actor=actor, order_id=str(key.order_id))
        own = Address.objects.using(database).filter(id=wish.address, user_id=actor.id)
        # Locked, so that it is still there when the order is written.
        if not own.select_for_update(no_key=True).values_list("id", flat=True).first():
            raise InvalidError({"address": "is none of yours"})
        lines = wish.lines if wish.lines is not None else _emptied_cart(actor, database=database)
        order = _ordered(actor, address=wish.address, lines=lines, database=database)
        if key is not None:
            key.order = order
            key.save(using=database, update_fields=["order"])
        changed("catalog", "orders", using=database)
        _tell(order, database=database)
    return order_detail(actor=actor, order_id=str(order.pk))


def mail_retry(*, actor: Actor, mail_id: str) -> Mail:
    """A mail that nobody tried any more, to be tried again. Raises ForbiddenError, NotFoundError."""
    if actor.role not in RUNS_THE_SHOP:
        raise ForbiddenError
    database = router.db_for_write(Mail)
    with transaction.atomic(using=database):
        dead = Mail.objects.using(database).filter(state=Mail.State.DEAD)
        found = dead.select_for_update().filter(id=_uuid(mail_id)).first()
        if found is None:
            raise NotFoundError("There is no such mail that nobody tries any more.")
        found.state, found.attempts, found.published, found.due_at = Mail.State.PENDING, 0, 0, timezone.now()
        found.save(using=database, update_fields=["state", "attempts", "published", "due_at"])
        changed("orders", using=database)
    return found


def _uuid(text: str) -> UUID:
    """The UUID that a text names, or that of no row."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _key(actor: Actor, wish: Wish, *, database: str) -> OrderKey:
    """The row of a key. Who comes second waits here until the first one's order is there, or is not."""
    keys = OrderKey.objects.using(database)
    keys.bulk_create(
        [OrderKey(customer_id=actor.id, key=wish.key, fingerprint=wish.fingerprint)], ignore_conflicts=True
    )
    key = keys.get(customer_id=actor.id, key=wish.key)
    if key.fingerprint != wish.fingerprint:
        raise ConflictError({"idempotency_key": "was used for another order"})
    return key


def _emptied_cart(actor: Actor, *, database: str) -> tuple[tuple[int, int], ...]:
    """What was in the cart, by product; of two orders at once the second one finds it empty."""
    lines = CartLine.objects.using(database).select_for_update().filter(customer_id=actor.id).order_by("product_id")
    found = list(lines)
    if not found:
        raise InvalidError({"lines": "are none, and the cart is empty"})
    # What came into it meanwhile stays.
    CartLine.objects.using(database).filter(id__in=[line.pk for line in found]).delete()
    return tuple((line.product_id, line.quantity) for line in found)


def _ordered(actor: Actor, *, address: int, lines: Sequence[tuple[int, int]], database: str) -> Order:
    """The order with its lines. Products are locked in one order by everybody, so that no two wait crosswise."""
    wanted = dict(lines)
    locked = Product.objects.using(database).select_for_update(no_key=True).filter(id__in=wanted).order_by("id")
    products = {product.pk: product for product in locked.only("price", "stock", "version")}
    if missing := wanted.keys() - products.keys():
        raise InvalidError({"lines": f"there is no product {min(missing)}"})
    if short := [product for product in products.values() if product.stock < wanted[product.pk]]:
        raise SoldOutError({"lines": ", ".join(f"{each.stock} left of product {each.pk}" for each in short)})
    total = sum((product.price * wanted[product.pk] for product in products.values()), start=Decimal(0))
    order = Order(customer_id=actor.id, address_id=address, total=total)
    order.full_clean(exclude={"customer", "address"})
    order.save(using=database, force_insert=True)
    OrderLine.objects.using(database).bulk_create(
        OrderLine(order=order, product=product, quantity=wanted[product.pk], unit_price=product.price)
        for product in products.values()
    )
    for product in products.values():
        # Whoever saw the stock before must look again before they change it.
        product.stock, product.version = product.stock - wanted[product.pk], product.version + 1
    Product.objects.using(database).bulk_update(products.values(), ["stock", "version"])
    return order


def _tell(order: Order, *, database: str) -> None:
    """Write down that a mail is due; where servers send themselves, try once as soon as the order stands."""
    mail = Mail(order=order)
    if settings.TASKS == "inline":
        mail.due_at += LEASE
        transaction.on_commit(
            partial(mail_send, mail_id=str(mail.pk), database=database), using=database, robust=True
        )  # fmt: skip
    mail.save(using=database, force_insert=True)
