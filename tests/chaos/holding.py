"""Before Azurite is killed: everything that it has acknowledged is on its disk, as it would be in Azure."""

import time
from collections.abc import Callable

from azure.storage.blob import ContainerClient

from sandbox.azurite import Azurite
from tests.chaos.archive import API, CONTAINER
from tests.chaos.store_proxy import StoreProxy

INDEX_S = 12.0  # it saves its index every five seconds if anything was written


def hold_until_saved(proxy: StoreProxy, azurite: Azurite, rest: Callable[[float], None]) -> None:
    """Hold all answers back, and return when the index was saved after the last one that went out. `rest` waits seconds."""
    proxy.hold()
    held, until = time.time() + 1, time.monotonic() + INDEX_S
    string = azurite.connection_string
    with ContainerClient.from_connection_string(string, CONTAINER, api_version=API) as client:
        client.upload_blob(".chaos", b"", overwrite=True)  # a reason to save; no archive has such a name
    files = list(azurite.data_dir.glob("blobs/__azurite_db_*.json"))
    while time.monotonic() < until and any(file.stat().st_mtime < held for file in files):
        rest(0.2)
