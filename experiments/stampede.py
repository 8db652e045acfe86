"""What happens when an answer that many ask for expires: how many compute it anew, and how long do all wait?"""

from typing import Final

from lab.experiment import Experiment, StampedeDesign

# Without indexes an answer is worth keeping: computing it takes as long as it does where caches are called for.
HELD: Final = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "off"))

EXPERIMENT = Experiment(
    name="stampede",
    question=(
        "When 100 requests come at once for an answer that has just expired, how many compute it, and how long do "
        "they wait, if all compute who miss it, or one for all?"
    ),
    operations=("scenarios.operations.catalog:PRODUCT_LIST",),
    variants=tuple(
        (*HELD, ("cache", cache), ("refill", refill))
        for cache in ("view", "query", "both")
        for refill in ("all", "one")
    ),
    stampede=StampedeDesign(at_once=100, expiries=8),
    keys=1,
)
