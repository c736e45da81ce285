"""What a publish that died has left on a host, put right by the next command."""

from publish.engines.protocol import Container, Host, RunState
from publish.releases.history import containers
from publish.releases.ownership import ReleaseLine
from publish.releases.release import generation_of, generations, is_candidate, is_server, place_of


def settle(host: Host, line: ReleaseLine) -> tuple[str, ...]:
    """Puts right what a publish that died has left, and tells what was done. Nothing left: nothing happens.

    Candidates are there only while a publish is under way. What that publish itself put in front of readers is trusted
    only where all of it runs; if it died between its stop and its start, the newest release that ran before it is
    started, whatever of it was stopped already.
    """
    engine = host.engine
    found = containers(engine, line)
    candidates = [one for one in found if is_candidate(one)]
    servers = generations(filter(is_server, found))
    cut_off = {generation_of(one) for one in candidates}
    whole = {one for one in cut_off if _stands(servers.get(one, ()), candidates, one)}
    left: list[Container] = []
    done: list[str] = []
    for generation, made_of in servers.items():
        for one in made_of:
            if one.state is RunState.CREATED or generation in cut_off - whole:
                engine.remove(one.id)
                done.append(f"removed {one.name}, which a publish that was cut off has left")
            else:
                left.append(one)
    if candidates:
        serving = {generation_of(one) for one in left if one.state is RunState.RUNNING}
        last = max(serving or map(generation_of, left), default=0)
        for one in left:
            if generation_of(one) == last and one.state is not RunState.RUNNING:
                engine.start(one.id)
                done.append(f"started {one.name} again, which a publish that was cut off had stopped")
    for one in candidates:
        engine.remove(one.id)
        done.append(f"removed {one.name}, which a publish that was cut off has left")
    return tuple(done)


def _stands(servers: tuple[Container, ...], candidates: list[Container], generation: int) -> bool:
    """Whether all servers of a generation run, one for each of its candidates."""
    wanted = {place_of(one) for one in candidates if generation_of(one) == generation}
    running = {place_of(one) for one in servers if one.state is RunState.RUNNING}
    return wanted <= running and len(running) == len(servers)
