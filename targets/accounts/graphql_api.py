"""Yields the GraphQL face of accounts: types, queries and mutations; selectors, services and logins do the work."""

from typing import Any

import graphene
from graphene_django import DjangoObjectType
from graphql import GraphQLResolveInfo

from targets.accounts import inputs, logins, models, selectors, services
from targets.accounts.permissions import Anyone, Known, permit
from targets.accounts.tokens import TokenPair as Pair
from targets.web.actor import actor_of
from targets.web.graphql_scalars import UtcTime, WholeNumber
from targets.web.limits import address_of
from targets.web.pagination import Page, read_list


class User(DjangoObjectType):
    """Someone who buys, sells or runs the shop."""

    class Meta:
        model = models.User
        fields = ("id", "email", "name", "is_active")
        skip_registry = True

    role = graphene.String(required=True)
    joined_at = UtcTime(required=True)


class Address(DjangoObjectType):
    """A place that orders are sent to."""

    class Meta:
        model = models.Address
        fields = ("id", "street", "city", "postcode", "country")


class AddressPage(graphene.ObjectType):
    """One page of addresses."""

    items = graphene.List(graphene.NonNull(Address), required=True)
    page = graphene.Int(required=True)
    size = graphene.Int(required=True)
    has_next = graphene.Boolean(required=True)


class TokenPair(graphene.ObjectType):
    """What a login or a refresh gives."""

    access = graphene.String(required=True)
    refresh = graphene.String(required=True)
    expires_in = graphene.Int(required=True, description="Seconds that the access token counts.")


class AccountsQuery(graphene.ObjectType):
    """What can be asked of accounts."""

    me = graphene.Field(User)
    user = graphene.Field(User, id=graphene.ID(required=True))
    address_list = graphene.Field(AddressPage, page=WholeNumber(), size=WholeNumber())
    address = graphene.Field(Address, id=graphene.ID(required=True))

    @staticmethod
    @permit(Known)
    def resolve_me(root: None, info: GraphQLResolveInfo) -> models.User:
        return selectors.me(actor=actor_of(info.context))

    @staticmethod
    @permit(Known)
    def resolve_user(root: None, info: GraphQLResolveInfo, *, id: str) -> models.User:
        return selectors.user_detail(actor=actor_of(info.context), user_id=id)

    @staticmethod
    @permit(Known)
    def resolve_address_list(root: None, info: GraphQLResolveInfo, **arguments: Any) -> Page[models.Address]:
        return selectors.address_list(actor=actor_of(info.context), window=read_list(arguments))

    @staticmethod
    @permit(Known)
    def resolve_address(root: None, info: GraphQLResolveInfo, *, id: str) -> models.Address:
        return selectors.address_detail(actor=actor_of(info.context), address_id=id)


class AccountsMutation(graphene.ObjectType):
    """What can be changed of accounts."""

    user_register = graphene.Field(
        User,
        email=graphene.String(required=True),
        password=graphene.String(required=True),
        name=graphene.String(required=True),
    )
    user_update = graphene.Field(User, id=graphene.ID(required=True), name=graphene.String(), role=graphene.String())
    user_deactivate = graphene.Field(User, id=graphene.ID(required=True))
    password_change = graphene.Field(
        TokenPair, current=graphene.String(required=True), new=graphene.String(required=True)
    )
    token_obtain = graphene.Field(
        TokenPair, email=graphene.String(required=True), password=graphene.String(required=True)
    )
    token_refresh = graphene.Field(TokenPair, refresh=graphene.String(required=True))
    token_revoke = graphene.Boolean(refresh=graphene.String(required=True))
    address_create = graphene.Field(
        Address,
        street=graphene.String(required=True),
        city=graphene.String(required=True),
        postcode=graphene.String(required=True),
        country=graphene.String(required=True),
    )
    address_update = graphene.Field(
        Address,
        id=graphene.ID(required=True),
        street=graphene.String(),
        city=graphene.String(),
        postcode=graphene.String(),
        country=graphene.String(),
    )
    address_delete = graphene.Boolean(id=graphene.ID(required=True))

    @staticmethod
    @permit(Anyone)
    def resolve_user_register(root: None, info: GraphQLResolveInfo, **arguments: Any) -> models.User:
        return services.user_register(inputs.read_registration(arguments), address=address_of(info.context))

    @staticmethod
    @permit(Known)
    def resolve_user_update(root: None, info: GraphQLResolveInfo, *, id: str, **arguments: Any) -> models.User:
        changes = inputs.read_user_changes(arguments)
        return services.user_update(actor=actor_of(info.context), user_id=id, changes=changes)

    @staticmethod
    @permit(Known)
    def resolve_user_deactivate(root: None, info: GraphQLResolveInfo, *, id: str) -> models.User:
        return services.user_deactivate(actor=actor_of(info.context), user_id=id)

    @staticmethod
    @permit(Known)
    def resolve_password_change(root: None, info: GraphQLResolveInfo, **arguments: Any) -> Pair:
        change = inputs.read_password_change(arguments)
        return services.password_change(actor=actor_of(info.context), change=change)

    @staticmethod
    @permit(Anyone)
    def resolve_token_obtain(root: None, info: GraphQLResolveInfo, **arguments: Any) -> Pair:
        return logins.token_obtain(inputs.read_credentials(arguments), address=address_of(info.context))

    @staticmethod
    @permit(Anyone)
    def resolve_token_refresh(root: None, info: GraphQLResolveInfo, **arguments: Any) -> Pair:
        return logins.token_refresh(inputs.read_refresh(arguments))

    @staticmethod
    @permit(Anyone)
    def resolve_token_revoke(root: None, info: GraphQLResolveInfo, **arguments: Any) -> bool:
        logins.token_revoke(inputs.read_refresh(arguments))
        return True

    @staticmethod
    @permit(Known)
    def resolve_address_create(root: None, info: GraphQLResolveInfo, **arguments: Any) -> models.Address:
        fields = inputs.read_address(arguments, is_new=True)
        return services.address_create(actor=actor_of(info.context), fields=fields)

    @staticmethod
    @permit(Known)
    def resolve_address_update(root: None, info: GraphQLResolveInfo, *, id: str, **arguments: Any) -> models.Address:
        fields = inputs.read_address(arguments, is_new=False)
        return services.address_update(actor=actor_of(info.context), address_id=id, fields=fields)

    @staticmethod
    @permit(Known)
    def resolve_address_delete(root: None, info: GraphQLResolveInfo, *, id: str) -> bool:
        services.address_delete(actor=actor_of(info.context), address_id=id)
        return True
