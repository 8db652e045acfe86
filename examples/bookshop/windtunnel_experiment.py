"""What does a join save the list of books? From Windtunnel's folder:

./noxw -s lab -- examples/bookshop/windtunnel_experiment.py
"""

from lab.own import boot, environment_knob, experiment, request

EXPERIMENT = experiment(
    name="bookshop",
    question="How much faster is a page of books if their authors are joined, and not loaded one by one?",
    servers=[
        boot(
            "{python} -m granian --interface wsgi --host 127.0.0.1 --port {port} --log-level warning "
            "bookshop.wsgi:application",
            prepare="{python} manage.py migrate --verbosity 0",
            ready="/books/",
        ),
    ],
    knobs=[environment_knob("BOOKS_LOADING", levels=["lazy", "joined"])],
    operations=[request("book_list", "/books/?page={value}", values=[1, 7, 20])],
    budget="40s",
)
