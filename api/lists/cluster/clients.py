"""What stands in for the lent clients of one Redis (api/lists/clients.py) where lists lie in a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from redis import Redis

from api.lists.clients import Clients
from api.lists.cluster.nodes import Nodes
from api.lists.cluster.routed import Routed
from contract.errors import SettingsError
from contract.settings.settings import hide_password
from contract.store.cluster.address import is_cluster

T = TypeVar("T")
VARIABLE = "LARDER_REDIS_URL"


class ClusterClients(Clients):
    """Each command goes to a client that asks the server of its key, which has breakers and lent clients of its own."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        routed = Routed(nodes)
        super().__init__(lambda: routed)
        self._routed = routed

    def ask(self, command: Callable[[Redis], T]) -> T:
        return command(self._routed)


def clients_of(url: str) -> Clients:
    """As `Clients.of`, of a cluster, too."""
    if not is_cluster(url):
        return Clients.of(url, VARIABLE)
    try:
        return ClusterClients(Nodes(url))
    except ValueError:
        raise SettingsError(f"{VARIABLE}={hide_password(url)}: this can't be the address of a Redis Cluster") from None
