"""Yields the catalog's GraphQL face: types and queries only; selectors, services and loaders do the work."""

from typing import Any

import graphene
from graphene_django import DjangoObjectType
from graphql import GraphQLResolveInfo

from targets.accounts.models import User
from targets.accounts.permissions import Anyone, Customer, Known, Merchant, permit
from targets.catalog import filters, inputs, loaders, models, selectors, services
from targets.web.actor import actor_of
from targets.web.batches import Deferred
from targets.web.graphql_scalars import DecimalText, UtcTime, WholeNumber
from targets.web.look_ahead import look_ahead
from targets.web.pagination import Page, read_list, read_newest


class Brand(DjangoObjectType):
    """Who makes a product."""

    class Meta:
        model = models.Brand
        fields = ("id", "name", "slug", "country")


class Category(DjangoObjectType):
    """A node of the category tree."""

    class Meta:
        model = models.Category
        fields = ("id", "name", "slug")

    ancestors = graphene.List(graphene.NonNull(lambda: Category), required=True, description="From the root down.")

    @staticmethod
    def resolve_ancestors(
        category: models.Category, info: GraphQLResolveInfo
    ) -> list[models.Category] | Deferred[list[models.Category]]:
        return loaders.ancestors_of(category)


class Tag(DjangoObjectType):
    """A word that products share."""

    class Meta:
        model = models.Tag
        fields = ("id", "name", "slug")


class Author(DjangoObjectType):
    """Who wrote a review."""

    class Meta:
        model = User
        fields = ("id", "name")


class ListedReview(DjangoObjectType):
    """What one author thinks of one product, in a list of products."""

    class Meta:
        model = models.Review
        fields = ("id", "title")

    rating = graphene.Int(required=True)
    created_at = UtcTime(required=True)
    author = graphene.Field(Author, required=True)

    @staticmethod
    def resolve_author(review: models.Review, info: GraphQLResolveInfo) -> User | Deferred[User]:
        return loaders.author_of(review)


class Review(ListedReview):
    """What one author thinks of one product."""

    class Meta:
        model = models.Review
        fields = ("id", "title", "body")


class ListedProduct(DjangoObjectType):
    """Something for sale, in a list."""

    class Meta:
        model = models.Product
        fields = ("id", "sku", "name", "review_count")

    price = DecimalText(required=True)
    rating = DecimalText()
    created_at = UtcTime(required=True)
    brand = graphene.Field(Brand, required=True)
    category = graphene.Field(Category, required=True)
    tags = graphene.List(graphene.NonNull(Tag), required=True)
    newest_reviews = graphene.List(graphene.NonNull(ListedReview), required=True)

    @staticmethod
    def resolve_brand(product: models.Product, info: GraphQLResolveInfo) -> models.Brand | Deferred[models.Brand]:
        return loaders.brand_of(product)

    @staticmethod
    def resolve_category(
        product: models.Product, info: GraphQLResolveInfo
    ) -> models.Category | Deferred[models.Category]:
        return loaders.category_of(product)

    @staticmethod
    def resolve_tags(
        product: models.Product, info: GraphQLResolveInfo
    ) -> list[models.Tag] | Deferred[list[models.Tag]]:
        return loaders.tags_of(product)

    @staticmethod
    def resolve_newest_reviews(
        product: models.Product, info: GraphQLResolveInfo
    ) -> list[models.Review] | Deferred[list[models.Review]]:
        return loaders.listed_reviews_of(product)


class Product(ListedProduct):
    """Something for sale."""

    class Meta:
        model = models.Product
        fields = ("id", "sku", "name", "review_count", "description", "weight_grams", "stock", "version")

    newest_reviews = graphene.List(graphene.NonNull(Review), required=True)
    alike = graphene.Field(lambda: ProductPage, size=WholeNumber(), description="Of its category, newest first.")

    @staticmethod
    def resolve_newest_reviews(
        product: models.Product, info: GraphQLResolveInfo
    ) -> list[models.Review] | Deferred[list[models.Review]]:
        return loaders.detailed_reviews_of(product)

    @staticmethod
    def resolve_alike(product: models.Product, info: GraphQLResolveInfo, **arguments: Any) -> Page[models.Product]:
        wanted = filters.ProductFilter(category=product.category_id)
        return selectors.product_search(wanted=wanted, window=read_list(arguments), selected=look_ahead(info))


class ProductPage(graphene.ObjectType):
    """One page of products."""

    items = graphene.List(graphene.NonNull(ListedProduct), required=True)
    page = graphene.Int(description="None of a page that was asked for by cursor.")
    size = graphene.Int(required=True)
    has_next = graphene.Boolean(required=True)
    next = graphene.String(description="The cursor of the page behind this one, newest first.")


class CatalogQuery(graphene.ObjectType):
    """What can be asked of the catalog."""

    product_list = graphene.Field(ProductPage, page=WholeNumber(), after=graphene.String(), size=WholeNumber())
    product_search = graphene.Field(
        ProductPage,
        category=WholeNumber(),
        min_price=DecimalText(),
        max_price=DecimalText(),
        min_rating=DecimalText(),
        ordering=graphene.String(),
        page=WholeNumber(),
        after=graphene.String(),
        size=WholeNumber(),
    )
    product = graphene.Field(Product, id=graphene.ID(required=True))

    @staticmethod
    @permit(Anyone)
    def resolve_product_list(root: None, info: GraphQLResolveInfo, **arguments: Any) -> Page[models.Product]:
        return selectors.product_list(window=read_newest(arguments), selected=look_ahead(info))

    @staticmethod
    @permit(Anyone)
    def resolve_product_search(root: None, info: GraphQLResolveInfo, **arguments: Any) -> Page[models.Product]:
        wanted, window = filters.read_search(arguments)
        return selectors.product_search(wanted=wanted, window=window, selected=look_ahead(info))

    @staticmethod
    @permit(Anyone)
    def resolve_product(root: None, info: GraphQLResolveInfo, *, id: str) -> models.Product:
        return selectors.product_detail(product_id=id, selected=look_ahead(info))


class CatalogMutation(graphene.ObjectType):
    """What can be changed of the catalog."""

    product_create = graphene.Field(
        Product,
        sku=graphene.String(required=True),
        name=graphene.String(required=True),
        brand=WholeNumber(required=True),
        category=WholeNumber(required=True),
        price=DecimalText(required=True),
        args={"description": graphene.String()},  # the name is the field's own otherwise
        weight_grams=WholeNumber(),
        stock=WholeNumber(),
    )
    product_update = graphene.Field(
        Product,
        id=graphene.ID(required=True),
        version=WholeNumber(required=True),
        name=graphene.String(),
        args={"description": graphene.String()},  # the name is the field's own otherwise
        price=DecimalText(),
        weight_grams=WholeNumber(),
        stock=WholeNumber(),
    )
    review_create = graphene.Field(
        Review,
        product=graphene.ID(required=True),
        rating=WholeNumber(required=True),
        title=graphene.String(required=True),
        body=graphene.String(),
    )
    review_delete = graphene.Boolean(id=graphene.ID(required=True))

    @staticmethod
    @permit(Merchant)
    def resolve_product_create(root: None, info: GraphQLResolveInfo, **arguments: Any) -> models.Product:
        return services.product_create(actor=actor_of(info.context), fields=inputs.read_product(arguments))

    @staticmethod
    @permit(Merchant)
    def resolve_product_update(root: None, info: GraphQLResolveInfo, *, id: str, **arguments: Any) -> models.Product:
        change = inputs.read_product_change(arguments)
        return services.product_update(actor=actor_of(info.context), product_id=id, change=change)

    @staticmethod
    @permit(Customer)
    def resolve_review_create(root: None, info: GraphQLResolveInfo, *, product: str, **arguments: Any) -> models.Review:
        fields = inputs.read_review(arguments)
        return services.review_create(actor=actor_of(info.context), product_id=product, fields=fields)

    @staticmethod
    @permit(Known)
    def resolve_review_delete(root: None, info: GraphQLResolveInfo, *, id: str) -> bool:
        services.review_delete(actor=actor_of(info.context), review_id=id)
        return True
