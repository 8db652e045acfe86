"""A mail is sent once, says what was ordered, is tried again when it is refused for now, and no more when for good."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail as outbox
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from lab.mail_room import MailSink, open_sink
from lab.processes import Supervisor
from targets.accounts.models import RUNS_THE_SHOP, User
from targets.orders.mails import MOST_ATTEMPTS, mail_send, message_of, pause
from targets.orders.models import Mail
from targets.orders.relay import Relay
from targets.variants import Variant
from tests.targets.doors import (
    DOORS,
    Thing,
    bearer,
    code_of,
    forget_everyone,
    order_of,
    person,
    wish_of,
)
from tests.targets.subject import TargetClient, served_by

pytestmark = pytest.mark.usefixtures("people")

FACES = ("rest", "graphql")


@contextmanager
def sink(folder: Path, **options: float) -> Iterator[MailSink]:
    """A mail server, to which the project sends until the end of the block."""
    with Supervisor() as supervisor:
        opened = open_sink(supervisor, python=sys.executable, folder=folder, **options)  # type: ignore[arg-type]
        port = urlsplit(opened.url).port
        backend = "django.core.mail.backends.smtp.EmailBackend"
        with override_settings(EMAIL_BACKEND=backend, EMAIL_HOST="127.0.0.1", EMAIL_PORT=port, EMAIL_TIMEOUT=2.0):
            yield opened


def due() -> Mail:
    """A mail of a new order."""
    customer = person("customer")
    customer.name = "Zoë <b>"
    customer.save()
    return Mail.objects.create(order=order_of(customer))


def test_a_mail_says_what_was_ordered_as_text_and_as_html():
    """Name, lines, total and address are in both; in HTML what is no markup is none."""
    mail = due()
    message: Any = message_of(mail).message()
    [text, html] = [part.get_payload(decode=True).decode() for part in message.get_payload()]
    line = mail.order.lines.get()
    for part in (text, html):
        assert line.product.sku in part
        assert "2.00" in part
        assert "1 High Street" in part
    assert "Zoë <b>" in text
    assert "Zoë &lt;b&gt;" in html
    assert message["Message-ID"] == mail.message_id
    assert message["To"] == mail.order.customer.email


def test_a_mail_is_sent_once(tmp_path: Path):
    """Told twice, it is sent once, and says when."""
    mail = due()
    with sink(tmp_path) as opened:
        assert mail_send(mail_id=str(mail.pk), database="default") == "sent"
        assert mail_send(mail_id=str(mail.pk), database="default") == "nothing to do"
        assert [each.id for each in opened.seen() if each.what == "taken"] == [mail.message_id]
    mail.refresh_from_db()
    assert mail.state == "sent"
    assert mail.sent_at is not None


def test_what_is_refused_for_now_is_tried_later_and_in_the_end_no_more(tmp_path: Path):
    """Each try puts the next one off; after the last one the mail is dead, and staff may have it tried again."""
    mail, began = due(), timezone.now()
    with sink(tmp_path, refuse=1.0):
        for attempt in range(1, MOST_ATTEMPTS + 1):
            told = mail_send(mail_id=str(mail.pk), database="default")
            mail.refresh_from_db()
            assert told == mail.state == ("dead" if attempt == MOST_ATTEMPTS else "pending")
            assert (mail.attempts, mail.fault) == (attempt, "SMTPDataError 451")
            assert mail.due_at > began
    assert mail_send(mail_id=str(mail.pk), database="default") == "nothing to do"


@pytest.mark.parametrize("face", FACES)
def test_staff_see_the_dead_and_have_them_tried_again(target_client: TargetClient, face: str):
    """It is in the list of the dead, and after a retry it is pending, due, and fresh."""
    mail = due()
    Mail.objects.filter(pk=mail.pk).update(state="dead", attempts=MOST_ATTEMPTS, fault="SMTPDataError 451")
    staff = bearer(person(min(RUNS_THE_SHOP)))
    for variant in ("cache=off", "cache=both"):
        _, body = target_client(DOORS["mail_list"].request(face, Thing()), headers=staff, variant=variant)
        assert str(mail.pk) in body.decode()
    answer = target_client(DOORS["mail_retry"].request(face, Thing(id=mail.pk)), headers=staff)
    assert code_of(*answer) == "ok"
    _, body = target_client(DOORS["mail_list"].request(face, Thing()), headers=staff, variant="cache=both")
    assert str(mail.pk) not in body.decode()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.due_at <= timezone.now()) == ("pending", 0, True)
    answer = target_client(DOORS["mail_retry"].request(face, Thing(id="none")), headers=staff)
    assert code_of(*answer) == "not_found"


def test_what_is_refused_for_good_is_dead_at_once(tmp_path: Path):
    """A server that will never take it is not asked again."""
    mail = due()
    with sink(tmp_path, reject=1.0):
        assert mail_send(mail_id=str(mail.pk), database="default") == "dead"


def test_a_server_that_is_away_kills_no_mail():
    """A refused connection says nothing of the mail: it is tried again."""
    mail = due()
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=9
    ):
        assert mail_send(mail_id=str(mail.pk), database="default") == "pending"


def test_pauses_grow_and_are_not_alike():
    """Twice as long each time, half more or less, up to an hour and a half."""
    assert 0.5 <= pause(1).total_seconds() <= 1.5
    assert 4.0 <= pause(4).total_seconds() <= 12.0
    assert pause(60).total_seconds() <= 5400.0
    assert len({pause(5) for _ in range(20)}) > 1


@pytest.mark.parametrize("face", FACES)
def test_a_server_that_sends_itself_has_sent_when_it_answers(target_client: TargetClient, tmp_path: Path, face: str):
    """With TASKS=inline the mail is at the sink; where the sink refuses, the order stands all the same."""
    customer = person("customer")
    for refuse, state in ((0.0, "sent"), (1.0, "pending")):
        request = DOORS["order_create"].request(face, Thing(told=wish_of(customer)))
        with sink(tmp_path, refuse=refuse), override_settings(TASKS="inline"):
            assert code_of(*target_client(request, headers=bearer(customer))) == "ok"
        assert Mail.objects.filter(order__customer=customer).order_by("-made_at")[0].state == state


def test_a_mail_of_the_other_database_tells_of_its_own_order(target_client: TargetClient, tmp_path: Path):
    """An order that was made without indexes is told with its own lines, whatever the first database has by that id."""
    with served_by(Variant(indexes="off")):
        before = User.objects.order_by("-id")[0].id
        order = order_of(person("customer"))
        mail = Mail.objects.create(order=order)
        sku = order.lines.get().product.sku
    try:
        with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
            assert mail_send(mail_id=str(mail.pk), database="bare") == "sent"
        assert sku in outbox.outbox[-1].body
        assert mail_send(mail_id=str(mail.pk), database="default") == "nothing to do"
    finally:
        with served_by(Variant(indexes="off")):
            forget_everyone(before)


def test_a_broker_that_is_away_costs_a_mail_nothing():
    """The relay gives back what it could not publish: it is due again soon, and counts as never published."""
    mail = due()
    # No broker is where these tests' settings say.
    assert Relay(databases=("default",)).once("default") == 0
    mail.refresh_from_db()
    assert (mail.state, mail.published, mail.published_at) == ("pending", 0, None)


def test_a_relay_tells_that_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its file is touched after each look that succeeded, and after no other: that is how its health is known."""
    alive, looks = tmp_path / "alive", iter([False, True])
    relay = Relay(databases=("default",), alive=alive)
    relay.run(is_over=lambda: next(looks), pause=0)
    assert alive.exists()
    alive.unlink()
    looks = iter([False, True])
    with monkeypatch.context() as patch:
        patch.setitem(connections["default"].settings_dict, "PORT", "1")
        patch.setitem(connections["default"].settings_dict, "HOST", "127.0.0.1")
        connections["default"].close()
        relay.run(is_over=lambda: next(looks), pause=0)
        connections["default"].close()
    assert not alive.exists()
