"""What others wrote is read by its shape or refused; what we write holds no key that engines would pass over."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.image import documents, oci
from sealpress.problems import Exit, Problem

DIGEST = "sha256:" + "0" * 64
BLOB = {"mediaType": oci.LAYER_TYPE, "digest": DIGEST, "size": 3}
CONFIG: dict[str, Any] = {
    "architecture": "arm64",
    "variant": "v8",
    "os": "linux",
    "created": "2026-06-01T00:00:00Z",
    "config": {
        "User": "101:101",
        "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
        "Env": ["A=b=c", "EMPTY="],
        "Entrypoint": ["/x"],
        "Cmd": ["-v"],
        "Volumes": {"/db": {}},
        "WorkingDir": "/",
        "Labels": {"b": "é"},
        "StopSignal": "SIGQUIT",
    },
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
    "history": [{"created_by": "x", "comment": "y"}, {"empty_layer": True}],
}


def dump(document: object) -> bytes:
    return json.dumps(document).encode()


def changed(path: str, value: object) -> bytes:
    """CONFIG with another value at "config.Env"."""
    document = json.loads(dump(CONFIG))
    *above, key = path.split(".")
    at = document
    for part in above:
        at = at[part]
    at[key] = value
    return dump(document)


def refusal(data: bytes, *, strict: bool = True) -> str:
    with pytest.raises(Problem) as caught:
        documents.config(data, "the configuration", strict=strict)
    assert caught.value.code is Exit.TREE
    return caught.value.message


def test_a_configuration_is_read_into_a_record() -> None:
    found = documents.config(dump(CONFIG), "x", strict=True)
    assert found == documents.Config(
        architecture="arm64",
        variant="v8",
        os="linux",
        created="2026-06-01T00:00:00Z",
        execution=documents.Execution(
            user="101:101",
            ports=("53/udp", "8080/tcp"),
            environment=("A=b=c", "EMPTY="),
            entrypoint=("/x",),
            arguments=("-v",),
            volumes=("/db",),
            working_dir="/",
            labels={"b": "é"},
            stop_signal="SIGQUIT",
        ),
        diff_ids=(DIGEST,),
        history=(
            documents.HistoryStep("", "x", "y", is_empty=False),
            documents.HistoryStep("", "", "", is_empty=True),
        ),
    )


def test_an_unknown_key_is_answered_with_the_known_one() -> None:
    assert refusal(changed("config.Environment", ["A=b"])) == (
        'unknown key "Environment" in config in the configuration (did you mean "Env"?)'
    )
    with pytest.raises(Problem, match='unknown key "env" in the image') as caught:
        documents.execution({"env": ["A=b"]}, "the image")
    assert "Env, " in str(caught.value)


def test_what_others_wrote_may_hold_more() -> None:
    """Docker's own keys, and null for an empty list."""
    foreign = json.loads(dump(CONFIG)) | {"docker_version": "28", "container": "x"}
    foreign["config"] |= {"Hostname": "", "OnBuild": None, "Cmd": None, "Volumes": None}
    found = documents.config(dump(foreign), "x")
    assert (found.execution.arguments, found.execution.volumes) == ((), ())
    refusal(dump(foreign))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("config.Env", "A=b", "Env in config in the configuration must be a list"),
        ("config.Env", ["A"], 'item 1 of Env in config in the configuration must be "NAME=value"'),
        ("config.Env", [["A=b"]], '"NAME=value"'),
        ("config.Env", {"A": "b"}, "must be a list"),
        ("config.Entrypoint", "/x", "must be a list"),
        ("config.Entrypoint", [1], "must be text"),
        ("config.ExposedPorts", [8080], "must be an object"),
        ("config.ExposedPorts", {"8080": {}, "http": {}}, '"PORT/tcp"'),
        ("config.ExposedPorts", {"8080/tcp": {"x": 1}}, "must be an empty object"),
        ("config.Labels", {"a": 1}, "a in Labels in config in the configuration must be text"),
        ("config.Labels", ["a"], "must be an object"),
        ("config.Labels", {"a": "\ud800"}, "must be text that is UTF-8"),
        ("config.User", 101, "must be text"),
        ("config.Volumes", {"db": {}}, "must be an absolute path"),
        ("config", [], "must be an object"),
        ("rootfs.diff_ids", ["sha256:../../etc/passwd"], '"sha256:" and 64 hex digits'),
        ("rootfs.type", "files", 'must be "layers"'),
        ("rootfs", None, 'needs the key "rootfs"'),
        ("architecture", None, 'needs the key "architecture"'),
        ("history", [{"empty_layer": 1}], "must be true or false"),
        ("history", {}, "must be a list"),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused(path: str, value: object, message: str) -> None:
    assert message in refusal(changed(path, value))
    assert message in refusal(changed(path, value), strict=False)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", b"[]", b"null", b'{"a": NaN}', b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b"1" * 5000],
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    for read in (documents.config, documents.manifest, documents.index):
        with pytest.raises(Problem):
            read(data, "x")


def test_a_key_that_stands_twice_is_refused() -> None:
    """Go takes the last one, others the first: what was checked must be what runs."""
    assert "all readers read alike" in refusal(dump(CONFIG)[:-1] + b', "os": "linux"}')


@pytest.mark.parametrize("size", [-1, True, "3", 1.5, 1 << 62, None])
def test_a_size_is_a_number_of_bytes(size: object) -> None:
    data = dump({"schemaVersion": 2, "config": BLOB, "layers": [{**BLOB, "size": size}]})
    with pytest.raises(Problem, match="size"):
        documents.manifest(data, "x")


def test_a_manifest_and_an_index_are_read_into_records() -> None:
    platform = {"architecture": "arm64", "variant": "v8", "os": "linux"}
    data = dump({"manifests": [{**BLOB, "platform": platform, "annotations": {"a": "b"}}]})
    (found,) = documents.index(data, "x").manifests
    assert found == documents.Blob(oci.LAYER_TYPE, DIGEST, 3, "arm64", "v8", "linux", {"a": "b"})
    manifest = documents.manifest(dump({"config": BLOB, "layers": [BLOB, BLOB]}), "x")
    assert len(manifest.layers) == 2


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just(DIGEST),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["config", "layers", "manifests", "rootfs", "diff_ids", "digest", "size", "Labels", "x"]),
            inner,
            max_size=5,
        )
    ),
)


@given(_JSON)
def test_any_json_is_read_or_refused(document: object) -> None:
    for read in (documents.config, documents.manifest, documents.index):
        try:
            read(dump(document), "x")
        except Problem as problem:
            assert problem.code is Exit.TREE  # noqa: PT017 - some are read, some are refused


@pytest.mark.parametrize(
    "change",
    [
        {"environment": ("A",)},
        {"environment": "A=b"},
        {"labels": {"a": 1}},
        {"user": 101},
        {"volumes": ("db",)},
        {"entrypoint": (1,)},
    ],
)
def test_nothing_of_another_shape_becomes_an_image(change: dict[str, Any]) -> None:
    """Also where the type checker was not asked."""
    right: dict[str, Any] = {"entrypoint": ("/x",), "user": "1:1", "port": 1, "stop_signal": "SIGQUIT"}
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    oci.seal(oci.Runtime(**right), [], "amd64", moment)
    with pytest.raises(Problem):
        oci.seal(oci.Runtime(**(right | change)), [], "amd64", moment)
