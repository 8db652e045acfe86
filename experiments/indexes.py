"""What does each index buy, what does it cost in size and in writes, and which of them serves nobody?"""

from typing import Final

from lab.experiment import Experiment, IndexDesign

WELL_BUILT: Final = (("select_related", "on"), ("prefetch_related", "on"), ("cache", "off"))

EXPERIMENT = Experiment(
    name="indexes",
    question=(
        "Which operation does each secondary index serve, what does it save alone and beside the others, "
        "and what does it cost in size and in writes?"
    ),
    operations=(
        "scenarios.operations.catalog:PRODUCT_LIST",
        "scenarios.operations.catalog:PRODUCT_SEARCH",
        "scenarios.operations.catalog:PRODUCT_DETAIL",
    ),
    # Both faces run the same statements: one is enough to tell what an index does to them.
    faces=("rest",),
    # In its databases a server lacks an index, or has it alone.
    variants=((*WELL_BUILT, ("indexes", "on")), (*WELL_BUILT, ("indexes", "off"))),
    indexes=IndexDesign(),
    keys=6,
    budget=180.0,
)
