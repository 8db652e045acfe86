"""How many orders does the API take, and what does it cost when all of them want the same product?"""

from typing import Final

from lab.experiment import WRITES, Experiment, LoadDesign, Server

WELL_BUILT: Final = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off"))

EXPERIMENT = Experiment(
    name="writes",
    question="How many orders does the API take of a product each, and how many when all want the same one?",
    variants=((*WELL_BUILT, (WRITES, "orders")), (*WELL_BUILT, (WRITES, "hot_orders"))),
    load=LoadDesign(
        users=(1, 4, 16, 32), shares=(0.5,), seconds=2.0, blocks=4, ready=64, server=Server(workers=2, threads=8)
    ),
    budget=240.0,
)
