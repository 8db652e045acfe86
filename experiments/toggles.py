"""What does each optimisation buy, alone and together, for the same answer through REST and through GraphQL?"""

from lab.experiment import Experiment, Knob, LoadDesign
from targets.variants import KNOBS

EXPERIMENT = Experiment(
    name="toggles",
    question=(
        "What do select_related, prefetch_related, indexes and caching each buy, alone and together, "
        "for the same answers through REST and through GraphQL?"
    ),
    operations=(
        "scenarios.operations.catalog:PRODUCT_LIST",
        "scenarios.operations.catalog:PRODUCT_SEARCH",
        "scenarios.operations.catalog:PRODUCT_DETAIL",
    ),
    knobs=(
        Knob(name="select_related"),
        Knob(name="prefetch_related"),
        Knob(name="indexes"),
        # Its first level against its last, `both`; an experiment of its own takes the others apart.
        Knob(name="cache", levels=KNOBS["cache"]),
    ),
    # Asked with --load: at half of each arm's own capacity, and at one rate that all of them carry.
    load=LoadDesign(walk="scenarios.operations.browsing:BROWSING", shares=(0.5,), common=0.7),
    keys=3,
    budget=150.0,
)
