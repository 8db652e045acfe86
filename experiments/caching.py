"""What does each level of the cache buy, how many requests hit, and from how many writes on does it not pay?"""

from typing import Final

from lab.experiment import CachingDesign, Experiment, Server
from targets.variants import KNOBS

WELL_BUILT: Final = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"))

EXPERIMENT = Experiment(
    name="caching",
    question=(
        "What do cached rows, cached answers and both buy a request that hits, one that misses and one beside writes, "
        "and do as many hit as their popularity promises?"
    ),
    operations=("scenarios.operations.catalog:PRODUCT_DETAIL",),
    servers=(Server(workers=2, threads=4),),
    variants=tuple((*WELL_BUILT, ("cache", level)) for level in KNOBS["cache"]),
    caching=CachingDesign(),
    keys=160,
    budget=400.0,
)
