"""What does it buy to send mails by workers: how soon is an order answered, and how soon is its mail there?"""

from lab.experiment import Experiment, MailDesign, Server

EXPERIMENT = Experiment(
    name="background_email",
    question=(
        "An order is confirmed by mail. How soon is the order answered, and how soon is its mail there, "
        "if the server sends it itself, or Celery by way of Valkey or of RabbitMQ?"
    ),
    faces=("rest",),
    servers=(
        Server(name="inline", tasks="inline", threads=8),
        Server(name="Celery on Valkey", threads=8),
        Server(name="Celery on RabbitMQ", threads=8, broker="given"),
    ),
    mail=MailDesign(rates=(10.0, 30.0, 60.0)),
)
