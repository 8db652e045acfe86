"""What does it cost to know who asks, and which part of it: the signature, the user, the blacklist, or a session?"""

from lab.experiment import Experiment

WELL_BUILT = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off"))

EXPERIMENT = Experiment(
    name="authentication",
    question="What does it cost to know who asks, and which part of it, for the same answer through REST and GraphQL?",
    operations=("scenarios.operations.catalog:PRODUCT_DETAIL",),
    variants=(
        (*WELL_BUILT, ("credentials", "none"), ("token_check", "stateless")),
        (*WELL_BUILT, ("credentials", "token"), ("token_check", "stateless")),
        (*WELL_BUILT, ("credentials", "token"), ("token_check", "user")),
        (*WELL_BUILT, ("credentials", "token"), ("token_check", "blacklist")),
        (*WELL_BUILT, ("credentials", "session"), ("token_check", "stateless")),
    ),
    parts=(
        ("the signature", 1, 0),
        ("the user", 2, 1),
        ("the blacklist", 3, 2),
        ("all of a token", 3, 0),
        ("a session", 4, 0),
    ),
    keys=3,
    budget=90.0,
)
