"""Yields the connection between a master and its workers: Locust's own, encrypted and for those who know a token.

CURVE asks a client for the server's public key (CurveZMQ, RFC 26). Ours comes from the token, and so does the secret
key that only the master uses: who does not know the token finishes no handshake, and is heard by nobody.
"""

import hashlib
from typing import Any

import zmq
from locust.rpc import zmqrpc
from zmq.utils import z85


def share_token(token: str) -> None:
    """From now on, masters and workers of this process speak only to those that know `token`."""
    secret = z85.encode(hashlib.sha256(f"windtunnel worker {token}".encode()).digest())
    public = zmq.curve_public(secret)

    class Server(zmqrpc.BaseSocket):
        """A master's socket."""

        def __init__(self, host: str, port: int) -> None:
            zmqrpc.BaseSocket.__init__(self, zmq.ROUTER, self.ipv4_only(host, port))
            self.socket.curve_server = True
            self.socket.curve_secretkey = secret
            self.socket.curve_publickey = public
            # A new connection of a worker that is known takes the old one's place.
            self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
            try:
                self.socket.bind(f"tcp://{f'[{host}]' if ':' in host else host}:{port}")
            except zmq.ZMQError as error:
                raise OSError(error.errno, f"{host}:{port} cannot be bound: {error}") from error
            self.port = port

    class Client(zmqrpc.BaseSocket):
        """A worker's socket."""

        def __init__(self, host: str, port: int, identity: str) -> None:
            zmqrpc.BaseSocket.__init__(self, zmq.DEALER, self.ipv4_only(host, port))
            self.socket.setsockopt(zmq.IDENTITY, identity.encode())
            self.socket.curve_publickey, self.socket.curve_secretkey = zmq.curve_keypair()
            self.socket.curve_serverkey = public
            self.socket.connect(f"tcp://{f'[{host}]' if ':' in host else host}:{port}")

    # Locust's runners look both up in this module when they make their sockets.
    module: Any = zmqrpc
    module.Server, module.Client = Server, Client
