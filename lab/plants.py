"""Yields planted mistakes, which a gate must find, as texts that are put into a checkout. It plants none itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError

SELECTORS: Final = "targets/catalog/selectors.py"
QUERY_CACHE: Final = "targets/web/query_cache.py"
VIEW_CACHE: Final = "targets/web/view_cache.py"
MIGRATION: Final = "targets/catalog/migrations/9999_planted.py"

ANEW: Final = "__import__('uuid').uuid4().hex"
"""A value that no key has twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A mistake of a kind in one place: in `file`, `right` becomes `wrong`; without `right` the file is a new one.

    `operation` is where it shows, `layer` what must find it; with `accepted` the operation's answers may change.
    `turns` is planted work by face, in turns of an empty loop.
    """

    kind: str
    where: str
    operation: str
    file: str
    right: str
    wrong: str
    layer: str = "counts"
    accepted: bool = False
    turns: tuple[tuple[str, int], ...] = ()

    def put(self, tree: Path) -> None:
        """Plants it. Raises LabError where the source has no such place."""
        path = tree / self.file
        if not self.right:
            path.write_text(self.wrong, encoding="utf-8")
            return
        source = path.read_text(encoding="utf-8")
        if source.count(self.right) != 1:
            raise LabError(f"{self.file} has no place for the plant {self.kind!r}", hint="mend lab/plants.py")
        path.write_text(source.replace(self.right, self.wrong), encoding="utf-8")


def _without_index(name: str, *, model: str, operation: str) -> Plant:
    text = (
        "from pathlib import Path\n\nfrom django.db import migrations\n\n"
        # After whatever migration is the last one, in any commit.
        '_NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[0-9]*.py"))\n\n\n'
        "class Migration(migrations.Migration):\n"
        '    dependencies = [("catalog", _NAMES[-2])]\n'
        f'    operations = [migrations.RemoveIndex(model_name="{model}", name="{name}")]\n'
    )
    return Plant(kind="dropped index", where=name, operation=operation, file=MIGRATION, right="", wrong=text)


LISTED: Final = "    return list(related[window.offset : window.offset + window.limit])\n"
DETAILED: Final = '    return list(_with_related(products, parts=parts, reviews=reviews, to="detailed_reviews"))\n'
SEARCHED: Final = '    return page_of(rows, window=window, place=_place if wanted.ordering == "newest" else None)\n'

PLANTS: Final = (
    Plant(
        kind="N+1", where="products of a page", operation="product_list", file=SELECTORS, right=LISTED,
        wrong=LISTED.replace("return", "found =")
        + "    for product in found:\n        product.reviews.exists()\n    return found\n",
    ),
    Plant(
        kind="N+1", where="tags of a product", operation="product_detail", file=SELECTORS, right=DETAILED,
        wrong=DETAILED.replace("return", "found =")
        + "    for product in found:\n        for tag in product.tags.all():\n            tag.products.exists()\n"
        "    return found\n",
    ),
    Plant(
        kind="N+1", where="products that were found", operation="product_search", file=SELECTORS, right=SEARCHED,
        wrong=SEARCHED.replace("return", "found =")
        + "    for product in found.items:\n        product.tags.exists()\n    return found\n",
    ),
    _without_index("product_newest", model="product", operation="product_list"),
    _without_index("product_category_price", model="product", operation="product_search"),
    _without_index("review_product_newest", model="review", operation="product_detail"),
    Plant(
        kind="lost select_related", where="brand", operation="product_list", file=SELECTORS,
        right='select_related("brand", "category")', wrong='select_related("category")',
    ),
    Plant(
        kind="lost select_related", where="category", operation="product_search", file=SELECTORS,
        right='select_related("brand", "category")', wrong='select_related("brand")',
    ),
    Plant(
        kind="lost select_related", where="author", operation="product_detail", file=SELECTORS,
        right='return reviews.select_related("author") if current_variant().select_related == "on" else reviews',
        wrong="return reviews",
    ),
    Plant(
        kind="lost prefetch_related", where="tags", operation="product_list", file=SELECTORS,
        right='Prefetch("tags", tags_in_order(), to_attr="tags_in_order"), Prefetch("reviews"',
        wrong='Prefetch("reviews"',
    ),
    Plant(
        kind="lost prefetch_related", where="reviews", operation="product_search", file=SELECTORS,
        right=', Prefetch("reviews", reviews, to_attr=to)\n', wrong="\n",
    ),
    Plant(
        kind="lost prefetch_related", where="a product's own", operation="product_detail", file=SELECTORS,
        right=DETAILED,
        wrong='    return list(products.select_related("brand", "category"))\n',
    ),
    Plant(
        kind="broken cache key", where="rows", operation="product_list", file=QUERY_CACHE,
        right="sorted(arguments.items()), knobs)", wrong=f"sorted(arguments.items()), {ANEW})",
    ),
    Plant(
        kind="broken cache key", where="answers", operation="product_detail", file=VIEW_CACHE,
        right="asked, who, str(variant))", wrong=f"asked, {ANEW}, str(variant))",
    ),
    Plant(
        kind="broken cache key", where="REST's question", operation="product_search", file=VIEW_CACHE,
        right='return f"{request.path}?{query.urlencode()}"', wrong=f'return f"{{request.path}}?{{{ANEW}}}"',
    ),
)  # fmt: skip

FATTER: Final = tuple(
    Plant(
        kind="fatter payload", where=where, operation="product_list", file="targets/catalog/rest_api.py",
        right="class TagSerializer(Shape):\n    id = serializers.IntegerField()\n",
        wrong="class TagSerializer(Shape):\n    id = serializers.IntegerField()\n"
        '    extra = serializers.CharField(source="slug")\n',
        layer=layer, accepted=layer == "counts",
    )
    for where, layer in (("a tag's field", "answers"), ("a tag's field, accepted", "counts"))
)  # fmt: skip

WORK: Final = """

def _work(loops: dict[str, int]) -> None:
    from targets.web.current import current_face

    for _ in range(loops[current_face()]):
        pass
"""
"""Fixed work, counted in turns of an empty loop: no clock has a part in it."""

SLOWED: Final = {
    "product_list": (
        "def product_list(*, window: Window, selected: Selection | None = None) -> Page[Product]:\n",
        '    """A page of all products, newest first."""\n',
    ),
    "product_search": (
        (
            "def product_search(*, wanted: ProductFilter, window: Window, selected: Selection | None = None)"
            " -> Page[Product]:\n"
        ),
        '    """A page of the products that the filter lets through; none for a category that does not exist."""\n',
    ),
    "product_detail": (
        "def product_detail(*, product_id: str, selected: Selection | None = None) -> Product:\n",
        '    """One product with its description. Raises NotFoundError."""\n',
    ),
}  # fmt: skip
"""Where each operation's selector begins."""

TENTH_OF_KEYS: Final = "__import__('zlib').crc32(repr(({salt}, product_id)).encode()) % 10 == 0"
HUNDREDTH_OF_REQUESTS: Final = "__import__('random').random() < 0.01"


def slowed(kind: str, *, operation: str, loops: dict[str, int], when: str = "True", where: str = "") -> Plant:
    """Work of so many turns by face, in an operation's selector, `when` an expression there is true."""
    head, text = SLOWED[operation]
    right = head + text
    wrong = f"{WORK.strip()}\n\n\n{right}    if {when}:\n        _work({loops})\n"
    return Plant(
        kind=kind,
        where=where or operation,
        operation=operation,
        file=SELECTORS,
        right=right,
        wrong=wrong,
        layer="time",
        turns=tuple(loops.items()),
    )
