"""What does a warm hit in the cache of whole answers cost the server, beside a bare view of as many bytes?"""

from lab.experiment import ANSWER, Experiment, LoadDesign, Server

CACHED = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "view"))

EXPERIMENT = Experiment(
    name="view_hits",
    question="What does a warm hit in the cache of whole answers cost the server, beside a bare view of as many bytes?",
    variants=((*CACHED, (ANSWER, "bare")), (*CACHED, (ANSWER, "hit"))),
    # One page, over and over, for one client that waits: what counts is the server's CPU time, not how much it carries.
    load=LoadDesign(
        walk="scenarios.operations.browsing:FIRST_PAGE",
        sessions=1,
        users=(1,),
        seconds=4.0,
        enough=1_000_000,
        blocks=6,
        server=Server(),
    ),
)
