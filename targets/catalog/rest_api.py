"""Yields the catalog's REST face: shapes and addresses only; selectors, services and loaders do the work."""

from typing import Any

from django.utils.decorators import method_decorator
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSet

from targets.catalog import filters, loaders, selectors
from targets.web.related import Related
from targets.web.texts import DecimalTextField, UtcField
from targets.web.view_cache import cached_answers, rest_question

Shape = serializers.Serializer[Any]


class BrandSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()


class BrandDetailSerializer(BrandSerializer):
    country = serializers.CharField()


class CategorySerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()


class AncestorSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()


class CategoryDetailSerializer(CategorySerializer):
    ancestors = Related(AncestorSerializer(many=True), loader=loaders.ancestors_of)


class TagSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()


class AuthorSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()


class ReviewSerializer(Shape):
    id = serializers.IntegerField()
    rating = serializers.IntegerField()
    title = serializers.CharField()
    created_at = UtcField()
    author = Related(AuthorSerializer(), loader=loaders.author_of)


class ReviewDetailSerializer(ReviewSerializer):
    body = serializers.CharField()


class ProductSerializer(Shape):
    id = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    price = DecimalTextField()
    rating = DecimalTextField()
    review_count = serializers.IntegerField()
    created_at = UtcField()
    brand = Related(BrandSerializer(), loader=loaders.brand_of)
    category = Related(CategorySerializer(), loader=loaders.category_of)
    tags = Related(TagSerializer(many=True), loader=loaders.tags_of)
    newest_reviews = Related(ReviewSerializer(many=True), loader=loaders.listed_reviews_of)


class ProductDetailSerializer(ProductSerializer):
    description = serializers.CharField()
    weight_grams = serializers.IntegerField()
    stock = serializers.IntegerField()
    brand = Related(BrandDetailSerializer(), loader=loaders.brand_of)
    category = Related(CategoryDetailSerializer(), loader=loaders.category_of)
    newest_reviews = Related(ReviewDetailSerializer(many=True), loader=loaders.detailed_reviews_of)


class ProductPageSerializer(Shape):
    items = ProductSerializer(many=True)
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    has_next = serializers.BooleanField()


@method_decorator(cached_answers(face="rest", question=rest_question), name="dispatch")
class ProductViewSet(ViewSet):
    """Products: a list, a search, and each one by its id."""

    lookup_value_regex = "[^/]+"

    def list(self, request: Request) -> Response:
        """A page of all products, newest first."""
        window = filters.read_list(request.query_params)
        return Response(ProductPageSerializer(selectors.product_list(window=window)).data)

    @action(detail=False)
    def search(self, request: Request) -> Response:
        """A page of the products that the parameters let through."""
        wanted, window = filters.read_search(request.query_params)
        return Response(ProductPageSerializer(selectors.product_search(wanted=wanted, window=window)).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        """One product."""
        return Response(ProductDetailSerializer(selectors.product_detail(product_id=pk)).data)


router = SimpleRouter()
router.register("products", ProductViewSet, basename="product")
