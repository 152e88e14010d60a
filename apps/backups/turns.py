"""Whose turn it is: what the tick sends next, without reading all that is due.

A *lane* is what is due of one task in one urgency and one precedence, the most overdue first: a stretch of the
index `entity_lane`. One query reads the head of each lane; more of a lane is read only when its account has its
turn again. So a tick reads as much as there are tasks and as it sends, whatever waits behind.

Between accounts: on demand first, but not when half of the workers are at work on orders of the same account:
who orders everything would stop all others. Then who has the least under way, runs of earlier ticks included;
then who was served the longest ago; then the most overdue. Inside an account: on demand first, then by the
precedence of tasks, then of entities, then the most overdue. Of a task never more than its limit.
"""

import heapq
from collections import Counter, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from apps.accounts.selectors import stopped_accounts
from apps.core import clock

from .enums import EntityState, Precedence, RunPriority
from .models import AccountTurn, BackupTask, Entity

NEVER = datetime.min.replace(tzinfo=UTC)
CLASSES = list(product(RunPriority.values, Precedence.values))
Place = tuple[datetime, int]  # due since, entity: the order of a lane
Rank = tuple[int, int, int]  # urgency, precedence of the task, of the entity: the order of lanes


def held() -> QuerySet[Entity]:
    """What runs, or was sent to run."""
    return Entity.objects.filter(~Q(lease_owner=""), lease_until__gte=clock.now())


def due() -> QuerySet[Entity]:
    """What may be sent now, as far as its account is not stopped."""
    now = clock.now()
    free = Q(lease_owner="") | Q(lease_until__lt=now)
    return Entity.objects.filter(free, state=EntityState.ACTIVE, next_run_at__lte=now)


@dataclass(slots=True)
class Lane:
    """What is due of one task in one urgency and precedence. `first` waits, or all behind it is later."""

    task_id: int
    rank: Rank
    first: Place
    read: int = 1
    ended: bool = False
    waiting: deque[Place] = field(default_factory=deque)

    @property
    def order(self) -> tuple[Rank, Place]:
        return self.rank, self.waiting[0] if self.waiting else self.first

    def take(self) -> int:
        self.first = self.waiting.popleft()
        return self.first[1]

    def read_on(self, atleast: int) -> bool:
        """Read more of it, twice as much as before; tells whether anything was left."""
        if self.ended:
            return False
        size = max(self.read, atleast)
        urgency, _, precedence = self.rank
        rows = due().filter(task_id=self.task_id, run_priority=urgency, precedence=precedence)
        places = rows.order_by("next_run_at", "id").values_list("next_run_at", "id")
        found = list(places[self.read : self.read + size])
        self.waiting.extend((since, pk) for since, pk in found if since is not None)
        self.ended = len(found) < size
        self.read += size
        return bool(self.waiting)


@dataclass(slots=True)
class Queue:
    """What is due of one account; `under_way` counts what it holds and what was picked just now.

    `urgent`: so many more on demand go before whatever else is due.
    """

    account_id: int
    under_way: int
    served_at: datetime
    urgent: int
    lanes: list[Lane] = field(default_factory=list)

    @property
    def front(self) -> Lane:
        return min(self.lanes, key=lambda lane: lane.order)

    @property
    def order(self) -> tuple[int, int, datetime, Place]:
        rank, place = self.front.order
        urgency = rank[0] if self.urgent > 0 else int(RunPriority.ROUTINE)
        return urgency, self.under_way, self.served_at, place


def pick(workers: int, closed: Collection[int] = ()) -> list[int]:
    """The entities to send, in order, until twice what the workers can run is under way.

    Of the tasks that are `closed` only what a person ordered.
    """
    rows = held().order_by().values_list("account_id", "task_id", "run_priority").annotate(n=Count("pk"))
    at_work = AtWork()
    for account_id, task_id, priority, number in rows:
        at_work.of_account[account_id] += number
        at_work.of_task[task_id] += number
        at_work.ordered[account_id] += number if priority == RunPriority.ON_DEMAND else 0
    room = 2 * workers - at_work.of_account.total()
    return _pick(room, max(workers // 2, 1), at_work, closed) if room > 0 else []


@dataclass(frozen=True, slots=True)
class AtWork:
    """How many are under way, by account and by task; of each account, how many on demand."""

    of_account: Counter[int] = field(default_factory=Counter)
    of_task: Counter[int] = field(default_factory=Counter)
    ordered: Counter[int] = field(default_factory=Counter)


def _pick(room: int, urgent: int, at_work: AtWork, closed: Collection[int]) -> list[int]:
    heads, limits = _heads()
    heads = [
        (account, lane)
        for account, lane in heads
        if lane.task_id not in closed or lane.rank[0] == RunPriority.ON_DEMAND
    ]
    left = {task_id: limit - at_work.of_task[task_id] for task_id, limit in limits.items()}
    queues = _queues(heads, urgent, at_work, left)
    heap = [(queue.order, queue.account_id) for queue in queues.values()]
    heapq.heapify(heap)
    picked: dict[int, None] = {}  # in order; what another process moved meanwhile may be read twice
    while heap and len(picked) < room:
        _, account_id = heapq.heappop(heap)
        queue = queues[account_id]
        lane = queue.front
        if not lane.waiting:  # it stood here for all that may follow: see what does
            if not lane.read_on(-(-(room - len(picked)) // (len(heap) + 1))):
                queue.lanes.remove(lane)
        else:
            picked[lane.take()] = None
            queue.under_way += 1
            queue.urgent -= lane.rank[0] == RunPriority.ON_DEMAND
            if lane.task_id in left:
                left[lane.task_id] -= 1
                queue.lanes = [each for each in queue.lanes if left.get(each.task_id, 1) > 0]
        if queue.lanes:
            heapq.heappush(heap, (queue.order, account_id))
    return list(picked)


Head = tuple[int, Lane]  # account, lane


def _heads() -> tuple[list[Head], dict[int, int]]:
    """The lanes that are due, each with its first entity; and the limits of tasks that have one."""
    firsts = {
        f"head_{urgency}_{precedence}": Subquery(
            due()
            .filter(task=OuterRef("pk"), run_priority=urgency, precedence=precedence)
            .order_by("next_run_at", "id")
            .values("pk")[:1]
        )
        for urgency, precedence in CLASSES
    }
    tasks = BackupTask.objects.filter(~Q(account__in=stopped_accounts())).order_by()
    limits, heads = {}, set[int]()
    for task_id, limit, *found in tasks.values_list("pk", "concurrency", *firsts.values()):
        if any(found) and limit is not None:
            limits[task_id] = limit
        heads.update(pk for pk in found if pk is not None)
    return list(_lanes(heads)), limits


def _lanes(heads: set[int]) -> Iterable[Head]:
    wanted = due().filter(pk__in=heads).annotate(of_task=F("task__precedence"))
    named = ("account_id", "task_id", "run_priority", "of_task", "precedence", "next_run_at", "pk")
    for account_id, task_id, urgency, of_task, precedence, since, pk in wanted.values_list(*named):
        if since is not None:
            place = since, pk
            yield account_id, Lane(task_id, (urgency, of_task, precedence), place, waiting=deque([place]))


def _queues(heads: list[Head], urgent: int, at_work: AtWork, left: dict[int, int]) -> dict[int, Queue]:
    accounts = {account_id for account_id, _ in heads}
    turns = AccountTurn.objects.filter(account__in=accounts).values_list("account_id", "served_at")
    served = dict(turns)
    queues: dict[int, Queue] = {}
    for account_id, lane in heads:
        if left.get(lane.task_id, 1) > 0:
            last, more = served.get(account_id, NEVER), urgent - at_work.ordered[account_id]
            fresh = Queue(account_id, at_work.of_account[account_id], last, more)
            queues.setdefault(account_id, fresh).lanes.append(lane)
    return queues


def note_turns(accounts: Iterable[int]) -> None:
    """These accounts have just been served. In the order of keys: two ticks do not wait for each other."""
    now = clock.now()
    rows = [AccountTurn(account_id=account_id, served_at=now) for account_id in sorted(set(accounts))]
    AccountTurn.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["account"], update_fields=["served_at"]
    )
