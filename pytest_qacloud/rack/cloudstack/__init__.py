"""A simulated CloudStack management server, driven by the schema of CloudStack 4.22's own API.

Parts: `schema` (what commands and replies there are), `wire` (HTTP), `auth` (signatures, sessions), `twofactor` (their
second factor), `access` (roles, visibility), `params` (typed values from strings), `server` (one call from end to end),
`jobs`, `events`, `lists` (filters and pages), `replies` (entities to JSON or XML), `store` (entities and their
relations), `settings` (and `setting_groups`), `limits`, `capacity`, `placement`, `addresses`, `errors`, `builds`
(defects). Entities are in `models` (and `identity`, `events`, `jobs`, `limits`); commands are in `areas`, one module an
area, and every module there is imported by itself.

**To add a command**, write a function in a module under `areas`; nothing else changes (docs/simulated-server.md walks
through one)::

    @command("createThing")
    def create_thing(ctx: Context, params: Params) -> Thing:
        owner = ctx.owner(params)                        # from account, domainid, projectid; checked
        zone = params.need("zoneid", Zone)               # the entity itself, not its id
        check_limit(ctx, owner, "network")               # limits.py; 535 when it is exceeded
        return ctx.add(Thing(owner=owner, name=params.text("name"), zone=zone))

Before it runs, the call has been verified, the role may call it, required parameters are there, every value has its
type, every uuid parameter with a `related` class has become its entity (also from a number in the database, where the
parameter is old enough), and entities that the caller may not use are refused (list commands only filter). A list
command that names what was removed does not run: it finds nothing, or is refused where `lists` says so. It returns an
entity (wrapped and shaped by the schema), a `bool` (`success`), a `Page`, or a mapping that is the reply's content; it
raises what `errors` makes. Events are recorded by themselves.

A command that the schema calls asynchronous becomes a job. A plain function runs wholly when the job is due, so its
errors are those of the job. A generator runs to its first `yield` at once (errors there refuse the call; what it yields
is the entity that the job's reply names) and goes on when the job is due; its result is what it returns, else what it
yielded last::

    @command("startThing")
    def start_thing(ctx: Context, params: Params) -> Iterator[Thing]:
        thing = params.need("id", Thing)
        thing.state = "Starting"
        yield thing
        thing.state = "Running"

(Annotate a generator that also returns a value as `Generator[Thing, None, Thing]`.)

A list command is `return ctx.list(Thing, params)`: visibility, `id`, `ids`, `keyword`, `tags` and pages are dealt with,
and every other parameter must equal the attribute of its name. `where` chooses further, `ignore` names parameters that
the command has dealt with, `response` shapes as another class, `Page.map` shows items otherwise, `Page.under` changes
the key; `ctx.page` takes entities in the command's own order, `lists.cut` plain rows.

**To add an entity**, write a dataclass in `models` (`@dataclass(eq=False, kw_only=True)`) deriving from `store.Entity`,
or from `identity.Owned` where an account owns it, with `RESPONSE` (its class in the schema), `LABEL`, and attributes or
properties named as the API's fields. `zone: Zone = relation()` gives `zoneid` and `zonename` and guards the zone from
removal; `relation(OnRemove.CASCADE)` goes with it, `relation(OnRemove.CLEAR, optional=True)` forgets it. `ADMIN_ONLY`
names fields for root admins, `ALIASES` further response classes that uuid parameters name it by, `usable_by` says who
may name it in commands, `REMEMBERED = False` forgets its id when it is removed (no row stays), a true `is_shared` shows
it to all who may use it, `on_removed` is called after its removal.

**To add what else a server has**: `@registry.installs(order)` puts entities into a fresh installation,
`@registry.settles` brings state up to the clock before each command (state changes by time only there and in jobs),
`@limits.counts`, `@capacity.uses_host`, `@capacity.uses_pool`, `@placement.leaves_host` and
`@addresses.holds_addresses` tell the common parts what an area has put where. `server.trail.followers` are called with
every event. Threads do not touch the store: what they bring back, a settler puts in (see `areas/webhooks`).
"""

from __future__ import annotations

from .builds import Build, BuildError
from .hardware import Clock, Faults, Hardware, HardwareError, HostFacts
from .server import ManagementServer
from .wire import application

__all__ = [
    "Build",
    "BuildError",
    "Clock",
    "Faults",
    "Hardware",
    "HardwareError",
    "HostFacts",
    "ManagementServer",
    "application",
]
