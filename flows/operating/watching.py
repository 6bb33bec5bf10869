"""Has a Prefect server watch as `flows.automations` says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

from flows.automations import PREFIX, SILENCE, list_automations
from storage.errors import InputError


def apply_automations(notify: str | None = None, silence: timedelta = SILENCE) -> list[str]:
    """Has the configured server have all automations and no others of their prefix, and gives their names.

    What is as it should be stays untouched, for a change would make Prefect forget which runs it is watching.

    Args:
        notify: the notification block that is told, as `TYPE/NAME`, such as `slack-webhook/team`. Without one, what
            can do nothing but tell is taken away if it was there.
        silence: without a heartbeat, after which a run is dead.

    Raises:
        InputError: there is no such block, or it can't notify.
    """
    with get_client(sync_client=True) as client:
        block = _find_block(client, notify) if notify else None
        wanted = {one.name: one for one in list_automations(block, silence)}
        found = [one for one in client.read_automations() if one.name.startswith(PREFIX)]
        known = {one.name: one for one in found}  # of several of one name, one stays
        for name, one in wanted.items():
            if name not in known:
                client.create_automation(one)
            elif _content(known[name]) != _content(one):
                client.update_automation(known[name].id, one)
        for other in found:
            if other.name not in wanted or other.id != known[other.name].id:
                client.delete_automation(other.id)
    return list(wanted)


def _content(one: AutomationCore) -> dict[str, Any]:
    return one.model_dump(include=set(AutomationCore.model_fields), exclude={"owner_resource"})


def _find_block(client: SyncPrefectClient, name: str) -> UUID:
    kind, _, own = name.partition("/")
    wanted = "expected the TYPE/NAME of a notification block, such as slack-webhook/team; `prefect block ls` lists them"
    try:
        found = client.read_block_document_by_name(own, kind)
    except ObjectNotFound as error:
        raise InputError(f"the Prefect server has no block {name!r}: {wanted}") from error
    if found.block_schema is None or "notify" not in found.block_schema.capabilities:
        raise InputError(f"the block {name!r} can't notify: {wanted}")
    return found.id
