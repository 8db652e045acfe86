"""How much load does the API carry, and where does it stop to gain, with and without its optimisations?"""

from lab.experiment import Experiment, LoadDesign

WELL_BUILT = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"))

EXPERIMENT = Experiment(
    name="capacity",
    question="How many requests per second does the API carry, and what do the optimisations add, face by face?",
    variants=(
        (("select_related", "off"), ("prefetch_related", "off"), ("indexes", "off"), ("cache", "off")),
        (*WELL_BUILT, ("cache", "off")),
        (*WELL_BUILT, ("cache", "view")),
        (*WELL_BUILT, ("cache", "both")),
    ),
    load=LoadDesign(
        walk="scenarios.operations.browsing:BROWSING",
        users=(1, 2, 4, 8, 16, 32),
        shares=(0.25, 0.5, 0.7, 0.9, 1.1),
        seconds=2.5,
        blocks=4,
    ),
    budget=600.0,
)
