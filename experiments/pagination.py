"""What does it cost to skip the rows before a page, and what does a cursor save, from the first page to the last?"""

from typing import Final

from lab.experiment import PAGING, Experiment

WELL_BUILT: Final = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off"))

EXPERIMENT = Experiment(
    name="pagination",
    question=(
        "For the same rows, how much faster is a page by cursor than by number, at the first page and deep down?"
    ),
    operations=(
        "scenarios.operations.paging:PRODUCT_LIST_PAGE_1",
        "scenarios.operations.paging:PRODUCT_LIST_PAGE_10",
        "scenarios.operations.paging:PRODUCT_LIST_PAGE_1000",
        "scenarios.operations.paging:PRODUCT_LIST_LAST_PAGE",
    ),
    variants=((*WELL_BUILT, (PAGING, "offset")), (*WELL_BUILT, (PAGING, "keyset"))),
    parts=(("keyset", 1, 0),),
    # Of a page of one number there is one.
    keys=1,
    budget=90.0,
)
