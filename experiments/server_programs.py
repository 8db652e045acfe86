"""Which program should serve the API, by how many processes and threads, and what does ASGI gain or cost?"""

from typing import Final

from lab.experiment import SERVER, Experiment, LoadDesign, Server

WELL_BUILT: Final = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off"))
SERVERS: Final = (
    Server(name="granian, WSGI, 2 x 4", workers=2, threads=4),
    Server(name="granian, WSGI, 1 x 8", workers=1, threads=8),
    Server(name="gunicorn, WSGI, 2 x 4", program="gunicorn", workers=2, threads=4),
    Server(name="granian, ASGI, 2", interface="asgi", workers=2),
    Server(name="uvicorn, ASGI, 2", program="uvicorn", interface="asgi", workers=2),
)

EXPERIMENT = Experiment(
    name="server_programs",
    question=(
        "Which program serves the same API best on the same machine: granian, gunicorn or uvicorn, by WSGI or by ASGI, "
        "with how many processes and threads?"
    ),
    faces=("rest",),
    variants=tuple((*WELL_BUILT, (SERVER, server.name)) for server in SERVERS),
    load=LoadDesign(
        walk="scenarios.operations.browsing:BROWSING", users=(1, 2, 4, 16, 64), shares=(0.5,), seconds=2.0, blocks=4,
        servers=SERVERS,
    ),
    budget=300.0,
)  # fmt: skip
