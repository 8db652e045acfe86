"""Does a long blacklist make a request slower that is checked against it?"""

from lab.experiment import Experiment, Server

EXPERIMENT = Experiment(
    name="blacklist",
    question="What does a blacklist of 10 thousand and of 1 million tokens cost a request that is checked against it?",
    operations=("scenarios.operations.catalog:PRODUCT_DETAIL",),
    servers=(
        Server(name="empty"),
        Server(name="10 thousand", prepare=("fill_blacklist", "10000")),
        Server(name="1 million", prepare=("fill_blacklist", "1000000")),
    ),
    variant=(
        ("select_related", "on"),
        ("prefetch_related", "on"),
        ("indexes", "on"),
        ("cache", "off"),
        ("credentials", "token"),
        ("token_check", "blacklist"),
    ),
    budget=90.0,
)
