"""Yields the catalog's REST face: shapes and addresses only; selectors, services and loaders do the work."""

from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from targets.accounts.permissions import Anyone, Customer, Known, Merchant, Permission
from targets.accounts.rest_views import GuardedViewSet
from targets.catalog import filters, inputs, json_answers, loaders, plain_answers, selectors, services
from targets.web.actor import actor_of
from targets.web.bodies import body_of
from targets.web.json_bytes import answer_by
from targets.web.pagination import read_newest
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
    version = serializers.IntegerField()
    brand = Related(BrandDetailSerializer(), loader=loaders.brand_of)
    category = Related(CategoryDetailSerializer(), loader=loaders.category_of)
    newest_reviews = Related(ReviewDetailSerializer(many=True), loader=loaders.detailed_reviews_of)


@extend_schema_serializer(many=False)
class ProductPageSerializer(Shape):
    items = ProductSerializer(many=True)
    page = serializers.IntegerField(allow_null=True)
    size = serializers.IntegerField()
    has_next = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class ProductChangesSerializer(Shape):
    version = serializers.IntegerField(min_value=1)
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    price = serializers.DecimalField(max_digits=10, decimal_places=2, required=False)
    weight_grams = serializers.IntegerField(min_value=0, required=False, allow_null=True)
    stock = serializers.IntegerField(min_value=0, required=False)


class ProductInputSerializer(Shape):
    sku = serializers.RegexField(r"^[A-Z0-9][A-Z0-9-]{2,19}$")
    name = serializers.CharField(max_length=200)
    brand = serializers.IntegerField(min_value=1)
    category = serializers.IntegerField(min_value=1)
    price = serializers.DecimalField(max_digits=10, decimal_places=2)
    description = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    weight_grams = serializers.IntegerField(min_value=0, required=False, allow_null=True)
    stock = serializers.IntegerField(min_value=0, required=False)


class ReviewInputSerializer(Shape):
    rating = serializers.IntegerField(min_value=1, max_value=5)
    title = serializers.CharField(max_length=120)
    body = serializers.CharField(max_length=5_000, required=False, allow_blank=True)


_WINDOW = [OpenApiParameter("page", int), OpenApiParameter("after", str), OpenApiParameter("size", int)]
_SEARCH = [
    *(OpenApiParameter(name, kind) for name, kind in (
        ("category", int), ("min_price", str), ("max_price", str), ("min_rating", str),
    )),
    OpenApiParameter("ordering", str, enum=filters.ORDERINGS),
    *_WINDOW,
]  # fmt: skip


@method_decorator(cached_answers(face="rest", question=rest_question), name="dispatch")
class ProductViewSet(GuardedViewSet):
    """Products: a list, a search, each one by its id, and what merchants and customers add."""

    permissions: ClassVar[dict[str, type[Permission]]] = {
        "list": Anyone, "search": Anyone, "retrieve": Anyone,
        "create": Merchant, "partial_update": Merchant, "reviews": Customer,
    }  # fmt: skip

    @extend_schema(parameters=_WINDOW, responses=ProductPageSerializer)
    def list(self, request: Request) -> HttpResponse:
        """A page of all products, newest first."""
        window = read_newest(request.query_params)
        return answer_by(
            request,
            drf=lambda: ProductPageSerializer(selectors.product_list(window=window)).data,
            values=lambda: plain_answers.product_list(window=window),
            database=lambda: json_answers.product_list(window=window),
        )

    @extend_schema(parameters=_SEARCH, responses=ProductPageSerializer)
    @action(detail=False)
    def search(self, request: Request) -> HttpResponse:
        """A page of the products that the parameters let through."""
        wanted, window = filters.read_search(request.query_params)
        return answer_by(
            request,
            drf=lambda: ProductPageSerializer(selectors.product_search(wanted=wanted, window=window)).data,
            values=lambda: plain_answers.product_search(wanted=wanted, window=window),
            database=lambda: json_answers.product_search(wanted=wanted, window=window),
        )

    @extend_schema(responses=ProductDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponse:
        """One product."""
        return answer_by(
            request,
            drf=lambda: ProductDetailSerializer(selectors.product_detail(product_id=pk)).data,
            values=lambda: plain_answers.product_detail(product_id=pk),
            database=lambda: json_answers.product_detail(product_id=pk),
        )

    @extend_schema(request=ProductInputSerializer, responses={201: ProductDetailSerializer})
    def create(self, request: Request) -> Response:
        """Offer a product of one's own."""
        product = services.product_create(actor=actor_of(request), fields=inputs.read_product(body_of(request)))
        return Response(ProductDetailSerializer(product).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ProductChangesSerializer, responses=ProductDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a product of one's own, as it was seen in `version`."""
        change = inputs.read_product_change(body_of(request))
        product = services.product_update(actor=actor_of(request), product_id=pk, change=change)
        return Response(ProductDetailSerializer(product).data)

    @extend_schema(request=ReviewInputSerializer, responses={201: ReviewDetailSerializer})
    @action(detail=True, methods=["post"])
    def reviews(self, request: Request, pk: str) -> Response:
        """Write one's review of a product."""
        fields = inputs.read_review(body_of(request))
        review = services.review_create(actor=actor_of(request), product_id=pk, fields=fields)
        return Response(ReviewDetailSerializer(review).data, status=status.HTTP_201_CREATED)


class ReviewViewSet(GuardedViewSet):
    """Reviews, which their authors and the shop's staff remove."""

    permissions: ClassVar[dict[str, type[Permission]]] = {"destroy": Known}

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a review."""
        services.review_delete(actor=actor_of(request), review_id=pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


router = SimpleRouter()
router.register("products", ProductViewSet, basename="product")
router.register("reviews", ReviewViewSet, basename="review")
