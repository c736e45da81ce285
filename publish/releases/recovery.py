"""What a publish that died has left on a host, put right by the next command."""

from publish.engines.protocol import Host, RunState
from publish.releases.history import containers, generation_of, is_candidate, is_server
from publish.releases.line import ReleaseLine


def settle(host: Host, line: ReleaseLine) -> tuple[str, ...]:
    """Puts right what a publish that died has left, and tells what was done. Nothing left: nothing happens.

    A candidate is there only while a publish is under way. If one died between its stop and its start, no server runs:
    then the newest one that ran before it is started. Its own server is trusted only where it runs.
    """
    engine = host.engine
    found = containers(engine, line)
    candidates = [one for one in found if is_candidate(one)]
    servers = [one for one in found if is_server(one)]
    stale = {generation_of(one) for one in candidates}
    done: list[str] = []
    for one in servers:
        # A server that never ran, or that its own publish did not see through.
        if one.state is RunState.CREATED or (one.state is RunState.EXITED and generation_of(one) in stale):
            engine.remove(one.id)
            done.append(f"removed {one.name}, which a publish that was cut off has left")
    if candidates and not any(one.state is RunState.RUNNING for one in servers):
        ran = [one for one in servers if one.state is RunState.EXITED and generation_of(one) not in stale]
        if ran:
            last = max(ran, key=generation_of)
            engine.start(last.id)
            done.append(f"started {last.name} again, which a publish that was cut off had stopped")
    for one in candidates:
        engine.remove(one.id)
        done.append(f"removed {one.name}, which a publish that was cut off has left")
    return tuple(done)
