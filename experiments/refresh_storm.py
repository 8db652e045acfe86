"""What happens when many logins are refreshed at once: how many does the API take, and how long does each wait?"""

from typing import Final

from lab.experiment import WRITES, Experiment, LoadDesign, Server

WELL_BUILT: Final = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off"))

EXPERIMENT = Experiment(
    name="refresh_storm",
    question="When access tokens run out together, how many refreshes does the API take, and how long do they wait?",
    variants=((*WELL_BUILT, (WRITES, "refreshes")),),
    load=LoadDesign(
        users=(1, 8, 32, 128), shares=(0.5,), seconds=2.0, blocks=4, ready=2000, server=Server(workers=2, threads=8)
    ),
    budget=180.0,
)
