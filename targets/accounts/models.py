"""Yields the people of the shop: users with a role, their addresses, and the tokens that count no more."""

from typing import Any, ClassVar

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from targets.web.actor import Actor


class UserQuerySet(models.QuerySet["User"]):
    """Users, as somebody may see them."""

    def visible_to(self, actor: Actor) -> "UserQuerySet":
        """Everybody for those who run the shop, nobody but themselves for all others."""
        return self if actor.role in RUNS_THE_SHOP else self.filter(id=actor.id)


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Creates users by e-mail address, which is what they log in with."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A saved user with a hashed password; without one, a user who cannot log in."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A saved user with the admin role and every permission."""
        return self.create_user(email, password, role=User.Role.ADMIN, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """Someone who buys, sells or runs the shop; logs in by e-mail address.

    `token_generation` counts what ended all logins at once, as a new password does: older tokens count no more.
    """

    class Role(models.TextChoices):
        CUSTOMER = "customer"
        MERCHANT = "merchant"
        STAFF = "staff"
        ADMIN = "admin"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150)
    role = models.CharField(max_length=10, choices=Role, default=Role.CUSTOMER)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)
    token_generation = models.PositiveIntegerField(default=0, db_default=0)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_case_insensitive"),
            models.CheckConstraint(
                condition=models.Q(role__in=["customer", "merchant", "staff", "admin"]), name="user_role_known"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is the password. A hash of another cost is made anew, unless the password changed meanwhile."""
        read = self.password

        def renew(raw: str) -> None:
            made = make_password(raw)
            if User.objects.filter(pk=self.pk, password=read).update(password=made):
                self.password = made

        return check_password(raw_password, read, renew)

    @property
    def is_staff(self) -> bool:
        """Whether the user may enter the admin site, which the role alone decides."""
        return self.role in RUNS_THE_SHOP


RUNS_THE_SHOP = frozenset({User.Role.STAFF, User.Role.ADMIN})
SELLS = frozenset({User.Role.MERCHANT, User.Role.ADMIN})
BUYS = frozenset({User.Role.CUSTOMER})


class AddressQuerySet(models.QuerySet["Address"]):
    """Addresses, as somebody may see them."""

    def visible_to(self, actor: Actor) -> "AddressQuerySet":
        """All for those who run the shop, their own for all others."""
        return self if actor.role in RUNS_THE_SHOP else self.filter(user_id=actor.id)


class Address(models.Model):
    """A place that orders are sent to."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    street = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    postcode = models.CharField(max_length=20)
    country = models.CharField(max_length=2)

    objects = AddressQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.street}, {self.postcode} {self.city}, {self.country}"


class BlacklistedToken(models.Model):
    """That a token counts no more: a refresh token that was used, or by its login's id every token of a login.

    Who adds the row of a refresh token first has used it; a row is of no use once the token would have expired.
    """

    class Reason(models.TextChoices):
        ROTATED = "rotated"
        LOGGED_OUT = "logged_out"
        REUSED = "reused"

    key = models.UUIDField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    reason = models.CharField(max_length=10, choices=Reason)
    blacklisted_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(reason__in=["rotated", "logged_out", "reused"]),
                name="blacklisted_token_reason_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"
