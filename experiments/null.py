"""Does the lab see a difference where there is none? Two servers of the same code are compared."""

from lab.experiment import Experiment, Server

EXPERIMENT = Experiment(
    name="null",
    question="Does the lab see a difference between two servers that run the same code?",
    # One operation, so that a minute is enough to tell 2 % from nothing.
    operations=("scenarios.operations.catalog:PRODUCT_LIST",),
    servers=(Server(name="a"), Server(name="b")),
    variant=(("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off")),
    keys=12,
    budget=70.0,
)
