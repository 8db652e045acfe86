"""Which face is cheaper: for the same answer, for three fields of many, and for what takes REST a second trip?"""

from lab.experiment import Experiment

EXPERIMENT = Experiment(
    name="rest_or_graphql",
    question=(
        "Which is cheaper, REST or GraphQL: for the same answer, for three fields of many, "
        "and for a nested answer for which REST needs a second trip?"
    ),
    operations=(
        "scenarios.operations.catalog:PRODUCT_LIST",
        "scenarios.operations.fetching:PRODUCT_CARDS",
        "scenarios.operations.fetching:PRODUCT_SCREEN",
    ),
    variant=(("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off")),
    keys=3,
    budget=90.0,
)
