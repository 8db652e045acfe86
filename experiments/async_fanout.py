"""What does waiting for several services at once save, by threads or in an event loop, and what does it cost?"""

from lab.experiment import Experiment, LoadDesign, Server

EXPERIMENT = Experiment(
    name="async_fanout",
    question=(
        "Where an answer waits for five carriers, what do threads and an event loop save over asking in turn, "
        "and how many requests does each of them carry?"
    ),
    variants=((("fanout", "sync"),), (("fanout", "threads"),), (("fanout", "async"),)),
    load=LoadDesign(
        walk="scenarios.operations.quotes:QUOTING",
        users=(1, 4, 8, 16, 32),
        shares=(0.5,),
        seconds=2.0,
        enough=400,
        blocks=4,
        pilot_seconds=1.5,
        server=Server(interface="asgi", workers=1),
    ),
    beside=("carriers",),
    budget=300.0,
)
