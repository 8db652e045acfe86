"""How does the cost of an answer grow as the data grows a thousandfold, with and without its optimisations?"""

from typing import Final

from fixtures.sizes import SIZES
from lab.experiment import Experiment, GrowthDesign

WELL_BUILT: Final = (("select_related", "on"), ("prefetch_related", "on"))

EXPERIMENT = Experiment(
    name="growth",
    question=(
        "From 12 thousand rows to 12 million: which operations cost the same at any size, which cost more, and by what "
        "power of the rows, with indexes and without?"
    ),
    operations=(
        "scenarios.operations.catalog:PRODUCT_LIST",
        "scenarios.operations.catalog:PRODUCT_SEARCH",
        "scenarios.operations.catalog:PRODUCT_DETAIL",
    ),
    variants=(
        (*WELL_BUILT, ("indexes", "on"), ("cache", "off")),
        (*WELL_BUILT, ("indexes", "off"), ("cache", "off")),
        (("select_related", "off"), ("prefetch_related", "off"), ("indexes", "off"), ("cache", "off")),
    ),
    parts=(("no indexes", 1, 0), ("nothing at all", 2, 0)),
    growth=GrowthDesign(sizes=tuple(SIZES), arms=("indexes on", "indexes off", "all off")),
    keys=3,
    blocks=6,
)
