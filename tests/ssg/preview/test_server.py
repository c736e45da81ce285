"""The server of a preview by itself."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sealpress.commands.console import Console
from ssg.build.inputs import Request
from ssg.preview.server import PreviewServer, listening
from ssg.preview.session import Session
from tests.ssg.blogs import Blog


@contextmanager
def served(folder: Path, settled: Callable[[], None], said: list[str]) -> Iterator[PreviewServer]:
    blog = Blog(folder)
    blog.page("index.md", "Home.")
    request: Request = blog.request(blog.output, blog.store)
    session = Session(request, Console.standard(), lambda: None)
    with listening("127.0.0.1", (0,), session, settled, said.append) as server:
        works = [threading.Thread(target=session.run), threading.Thread(target=server.serve_forever, args=(0.01,))]
        for work in works:
            work.start()
        try:
            yield server
        finally:
            session.stop()
            server.shutdown()
            for work in works:
                work.join()


def test_a_fault_of_its_own_is_told_in_a_line(tmp_path: Path) -> None:
    """And answered: the browser doesn't wait, and the next request is as good as any."""
    faults = [RuntimeError("two\nlines"), OSError(5, "the disk")]
    said: list[str] = []

    def settled() -> None:
        if faults:
            raise faults.pop(0)

    with served(tmp_path, settled, said) as server:
        answers = []
        for _ in range(3):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
            connection.request("GET", "/")
            answer = connection.getresponse()
            answers.append((answer.status, b"Home." in answer.read()))
            connection.close()
    assert answers == [(500, False), (500, False), (200, True)]
    assert said == [
        "a fault of the preview: RuntimeError: two\\x0alines",
        "a fault of the preview: OSError: [Errno 5] the disk",
    ]
