"""What does it cost to write an answer as JSON: by REST framework's serializers, from plain rows, or in PostgreSQL?"""

from lab.experiment import Experiment

WELL_BUILT = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"), ("cache", "off"))

EXPERIMENT = Experiment(
    name="serialization",
    question=(
        "What do REST framework's serializers cost beside plain rows written by orjson and beside JSON that PostgreSQL "
        "builds, for the same bytes, and how far is each from PostgreSQL alone?"
    ),
    operations=("scenarios.operations.catalog:PRODUCT_LIST",),
    # GraphQL's answers are put together field by field as a document asks: there is nothing to take out of its hands.
    faces=("rest",),
    variants=(
        (*WELL_BUILT, ("serializer", "drf")),
        (*WELL_BUILT, ("serializer", "values")),
        (*WELL_BUILT, ("serializer", "database")),
    ),
    parts=(
        ("plain rows in place of REST framework", 1, 0),
        ("PostgreSQL in place of plain rows", 2, 1),
        ("PostgreSQL in place of REST framework", 2, 0),
    ),
    keys=3,
    budget=60.0,
)
