"""What Prefect watches for by itself: runs that died or stand still, schedules that are late, hand-overs that are lost.

Flow runs are Cairn's if they carry its tag: those of its deployments do, and those of its command line.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from flows.runtime.server import TAG

PREFIX = "Cairn: "
"""Of the names of all automations that are here, and of no others."""

SILENCE = timedelta(seconds=180)
"""Without a heartbeat, after which a run is dead. They come every 30 s: one that is late or lost is no death."""

_PENDING = timedelta(minutes=15)  # a process starts in seconds
_LATE = timedelta(minutes=15)
_ENDS = frozenset(f"prefect.flow-run.{name}" for name in ("Completed", "Failed", "TimedOut", "Cancelled", "Crashed"))
_HEARTBEAT = "prefect.flow-run.heartbeat"
_RUNNING = "prefect.flow-run.Running"
_RUN = "{{ flow.name }} {{ flow_run.name }}"
_WHY = "{{ flow_run.state.message }}\n{{ flow_run | ui_url }}"
_DUE = "It was due at {{ flow_run.expected_start_time }}.\n{{ flow_run | ui_url }}"
_WAITS = "What is due there waits.\n{{ work_pool | ui_url }}"
_REASON = "{{ event.payload['reason'] }}"

_Match = dict[str, str | list[str]]
_RUNS: _Match = {"prefect.resource.id": "prefect.flow-run.*"}
_POOLS: _Match = {"prefect.resource.id": "prefect.work-pool.*", "prefect.resource.name": ["cairn", "gpu"]}
# Not of these here: who is told of a message that could not be sent is told by another that can't
_OTHERS: _Match = {"prefect.resource.id": "prefect.automation.*", "prefect.resource.name": f"!{PREFIX}*"}


def list_automations(block: UUID | None, silence: timedelta = SILENCE) -> list[AutomationCore]:
    """Lists all automations.

    Args:
        block: the notification block that is told. Without one, what can do nothing but tell is left out.
        silence: without a heartbeat, after which a run is dead.
    """
    return [*_repairs(silence), *(_alerts(block) if block else ())]


def _repairs(silence: timedelta) -> Sequence[AutomationCore]:
    """What changes the state of a run: whoever looks at Prefect sees it, and its slot goes to the next."""
    died = "No heartbeat for {seconds:.0f} s: the process of this run is gone, or can't reach the server."
    stuck = f"Pending for {_PENDING.seconds // 60} minutes: no process of this run has begun."
    return [
        _automation(
            "a run died",
            _silent(after={_HEARTBEAT}, expect={_HEARTBEAT, *_ENDS}, within=silence),
            ChangeFlowRunState(state=StateType.CRASHED, message=died.format(seconds=silence.total_seconds())),
        ),
        _automation(
            "a run did not begin",
            _silent(after={"prefect.flow-run.Pending"}, expect={_RUNNING, *_ENDS}, within=_PENDING),
            ChangeFlowRunState(state=StateType.CRASHED, message=stuck),
        ),
    ]


def _alerts(block: UUID) -> Sequence[AutomationCore]:
    """What tells people. A run that a guard rail stopped has failed, with its reason."""
    tell = partial(SendNotification, block_document_id=block)
    return [
        _automation(
            "tell of a failed run",
            _happened("prefect.flow-run.Failed", "prefect.flow-run.TimedOut", match=_RUNS),
            tell(subject=f"{_RUN} failed", body=_WHY),
        ),
        _automation(
            "tell of a crashed run",
            _happened("prefect.flow-run.Crashed", match=_RUNS),
            tell(subject=f"{_RUN} crashed", body=_WHY),
        ),
        _automation("tell of a late schedule", _late(), tell(subject=f"{_RUN} is late", body=_DUE)),
        _automation(
            "tell of a pool without workers",
            _happened("prefect.work-pool.not-ready", match=_POOLS, of_tag=False),
            tell(subject="The pool {{ work_pool.name }} has no worker", body=_WAITS),
        ),
        _automation(
            "tell of a failed action",
            _happened("prefect.automation.action.failed", match=_OTHERS, of_tag=False),
            tell(subject="Nothing came of {{ event.resource['prefect.resource.name'] }}", body=_REASON),
        ),
    ]


def _automation(name: str, trigger: EventTrigger, action: ChangeFlowRunState | SendNotification) -> AutomationCore:
    made = AutomationCore(name=f"{PREFIX}{name}", trigger=trigger, actions=[action])
    # All fields count as set, and go to the server; but for one that it takes from nobody but deployments
    return AutomationCore(**made.model_dump(exclude={"owner_resource"}))


def _happened(*events: str, match: _Match, of_tag: bool = True) -> EventTrigger:
    """One of the events; of what Cairn's tag is on unless told otherwise."""
    return EventTrigger(
        expect=set(events),
        match=match,
        match_related=_tagged(TAG) if of_tag else {},
        posture=Posture.Reactive,
        within=timedelta(0),
    )


def _late() -> EventTrigger:
    """A scheduled run that did not begin in time; others may wait in a queue for as long as they like."""
    begun = {"prefect.flow-run.Pending", _RUNNING, *_ENDS}
    late = _silent(after={"prefect.flow-run.Late"}, expect=begun, within=_LATE)
    late.match_related = [_tagged(TAG), _tagged("auto-scheduled")]
    return late


def _silent(after: set[str], expect: set[str], within: timedelta) -> EventTrigger:
    """Where a run of Cairn's does not get on: none of `expect` within that time of `after`."""
    return EventTrigger(
        after=after,
        expect=expect,
        match=_RUNS,
        match_related=_tagged(TAG),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        within=within,
    )


def _tagged(tag: str) -> _Match:
    return {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{tag}"}
