"""How should what belongs to the rows of a page be loaded, and how does each way grow with the page?"""

from typing import Final

from lab.experiment import Experiment

HELD: Final = (("indexes", "on"), ("cache", "off"))
LAZY: Final = (("select_related", "off"), ("prefetch_related", "off"))
BOTH: Final = (("select_related", "on"), ("prefetch_related", "on"))
ROWS: Final = (("resolving", "rows"),)

EXPERIMENT = Experiment(
    name="loading",
    question=(
        "For pages of 10 to 100 products, what do select_related, prefetch_related, a DataLoader and looking ahead "
        "each save over loading row by row, and how does each grow?"
    ),
    operations=(
        "scenarios.operations.paging:PRODUCT_LIST_10",
        "scenarios.operations.paging:PRODUCT_LIST_20",
        "scenarios.operations.paging:PRODUCT_LIST_50",
        "scenarios.operations.paging:PRODUCT_LIST_100",
        "scenarios.operations.fetching:PRODUCT_CARDS",
    ),
    variants=(
        (*LAZY, *ROWS, *HELD),
        (("select_related", "on"), ("prefetch_related", "off"), *ROWS, *HELD),
        (("select_related", "off"), ("prefetch_related", "on"), *ROWS, *HELD),
        (*BOTH, *ROWS, *HELD),
        (*LAZY, ("resolving", "dataloader"), *HELD),
        (*BOTH, ("resolving", "lookahead"), *HELD),
    ),
    # They are ways to resolve fields, which REST has not.
    limited=((4, "graphql"), (5, "graphql")),
    parts=(
        ("select_related", 1, 0),
        ("prefetch_related", 2, 0),
        ("both", 3, 0),
        ("a DataLoader", 4, 0),
        ("a DataLoader over both", 4, 3),
        ("looking ahead over both", 5, 3),
    ),
    along=(("product_list_10", 10), ("product_list_20", 20), ("product_list_50", 50), ("product_list_100", 100)),
    along_what="products a page",
    keys=3,
    budget=240.0,
)
