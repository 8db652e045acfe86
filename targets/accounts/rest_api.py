"""Yields the REST face of accounts: shapes and addresses only; selectors, services and logins do the work."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from targets.accounts import inputs, logins, selectors, services
from targets.accounts.models import User
from targets.accounts.permissions import Anyone, Known, Permission
from targets.accounts.rest_views import GuardedViewSet
from targets.web.actor import actor_of
from targets.web.bodies import body_of
from targets.web.limits import address_of
from targets.web.pagination import read_list
from targets.web.texts import UtcField

Shape = serializers.Serializer[Any]


class UserSerializer(Shape):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=User.Role.choices)
    is_active = serializers.BooleanField()
    joined_at = UtcField()


class RegistrationSerializer(Shape):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=inputs.MAX_PASSWORD)
    name = serializers.CharField(max_length=150)


class UserChangesSerializer(Shape):
    name = serializers.CharField(max_length=150, required=False)
    role = serializers.ChoiceField(choices=User.Role.choices, required=False)


class PasswordChangeSerializer(Shape):
    current = serializers.CharField(max_length=inputs.MAX_PASSWORD)
    new = serializers.CharField(max_length=inputs.MAX_PASSWORD)


class CredentialsSerializer(Shape):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=inputs.MAX_PASSWORD)


class RefreshSerializer(Shape):
    refresh = serializers.CharField()


class TokenPairSerializer(Shape):
    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField()


class AddressInputSerializer(Shape):
    street = serializers.CharField(max_length=200)
    city = serializers.CharField(max_length=100)
    postcode = serializers.CharField(max_length=20)
    country = serializers.RegexField(r"^[A-Z]{2}$")


class AddressSerializer(AddressInputSerializer):
    id = serializers.IntegerField()


@extend_schema_serializer(many=False)
class AddressPageSerializer(Shape):
    items = AddressSerializer(many=True)
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    has_next = serializers.BooleanField()


class UserViewSet(GuardedViewSet):
    """Users: a registration, and each one by its id, or as `me`."""

    permissions: ClassVar[dict[str, type[Permission]]] = {
        "create": Anyone, "me": Known, "retrieve": Known, "partial_update": Known, "deactivate": Known,
        "password": Known,
    }  # fmt: skip

    @extend_schema(request=RegistrationSerializer, responses={201: UserSerializer})
    def create(self, request: Request) -> Response:
        """Register as a customer."""
        user = services.user_register(inputs.read_registration(body_of(request)), address=address_of(request))
        return Response(UserSerializer(user).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=UserSerializer)
    @action(detail=False)
    def me(self, request: Request) -> Response:
        """The user who asks."""
        return Response(UserSerializer(selectors.me(actor=actor_of(request))).data)

    @extend_schema(request=PasswordChangeSerializer, responses=TokenPairSerializer)
    @action(detail=False, methods=["post"], url_path="me/password")
    def password(self, request: Request) -> Response:
        """Change one's password, which ends all other logins."""
        change = inputs.read_password_change(body_of(request))
        return Response(TokenPairSerializer(services.password_change(actor=actor_of(request), change=change)).data)

    @extend_schema(responses=UserSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One user: oneself, or for staff anybody."""
        return Response(UserSerializer(selectors.user_detail(actor=actor_of(request), user_id=pk)).data)

    @extend_schema(request=UserChangesSerializer, responses=UserSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change one's name; an admin changes anybody's, and the role too."""
        changes = inputs.read_user_changes(body_of(request))
        user = services.user_update(actor=actor_of(request), user_id=pk, changes=changes)
        return Response(UserSerializer(user).data)

    @extend_schema(request=None, responses=UserSerializer)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, pk: str) -> Response:
        """End a user's access for good."""
        return Response(UserSerializer(services.user_deactivate(actor=actor_of(request), user_id=pk)).data)


class TokenViewSet(GuardedViewSet):
    """Logins: a pair of tokens, a new one for it, and its end."""

    permissions: ClassVar[dict[str, type[Permission]]] = {"create": Anyone, "refresh": Anyone, "revoke": Anyone}

    @extend_schema(request=CredentialsSerializer, responses=TokenPairSerializer)
    def create(self, request: Request) -> Response:
        """Log in."""
        credentials = inputs.read_credentials(body_of(request))
        return Response(TokenPairSerializer(logins.token_obtain(credentials, address=address_of(request))).data)

    @extend_schema(request=RefreshSerializer, responses=TokenPairSerializer)
    @action(detail=False, methods=["post"])
    def refresh(self, request: Request) -> Response:
        """Exchange a refresh token, once, for a new pair."""
        return Response(TokenPairSerializer(logins.token_refresh(inputs.read_refresh(body_of(request)))).data)

    @extend_schema(request=RefreshSerializer, responses={204: None})
    @action(detail=False, methods=["post"])
    def revoke(self, request: Request) -> Response:
        """Log out."""
        logins.token_revoke(inputs.read_refresh(body_of(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)


class AddressViewSet(GuardedViewSet):
    """Addresses: one's own, and for staff each one to read."""

    permissions: ClassVar[dict[str, type[Permission]]] = {
        "list": Known, "create": Known, "retrieve": Known, "partial_update": Known, "destroy": Known,
    }  # fmt: skip

    @extend_schema(
        parameters=[OpenApiParameter("page", int), OpenApiParameter("size", int)], responses=AddressPageSerializer
    )
    def list(self, request: Request) -> Response:
        """A page of one's own addresses."""
        window = read_list(request.query_params)
        return Response(AddressPageSerializer(selectors.address_list(actor=actor_of(request), window=window)).data)

    @extend_schema(request=AddressInputSerializer, responses={201: AddressSerializer})
    def create(self, request: Request) -> Response:
        """Add an address of one's own."""
        fields = inputs.read_address(body_of(request), is_new=True)
        address = services.address_create(actor=actor_of(request), fields=fields)
        return Response(AddressSerializer(address).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=AddressSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One address."""
        return Response(AddressSerializer(selectors.address_detail(actor=actor_of(request), address_id=pk)).data)

    @extend_schema(request=AddressInputSerializer, responses=AddressSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an address of one's own."""
        fields = inputs.read_address(body_of(request), is_new=False)
        address = services.address_update(actor=actor_of(request), address_id=pk, fields=fields)
        return Response(AddressSerializer(address).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove an address of one's own."""
        services.address_delete(actor=actor_of(request), address_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


router = SimpleRouter()
router.register("users", UserViewSet, basename="user")
router.register("tokens", TokenViewSet, basename="token")
router.register("addresses", AddressViewSet, basename="address")
