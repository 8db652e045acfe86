"""Yields the people of the shop: users with a role, and their addresses."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone


class UserManager(BaseUserManager["User"]):
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
    """Someone who buys, sells or runs the shop; logs in by e-mail address."""

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

    @property
    def is_staff(self) -> bool:
        """Whether the user may enter the admin site, which the role alone decides."""
        return self.role in {self.Role.STAFF, self.Role.ADMIN}


class Address(models.Model):
    """A place that orders are sent to."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    street = models.CharField(max_length=200)
    city = models.CharField(max_length=100)
    postcode = models.CharField(max_length=20)
    country = models.CharField(max_length=2)

    def __str__(self) -> str:
        return f"{self.street}, {self.postcode} {self.city}, {self.country}"
